"""Sentences for the labels "creative" and "casual": templates and the words that fill them."""

CREATIVE_WORDS = {
    "img": "the moon|the sea|the wind|the night|the old clock|the river|autumn|winter|the rain|a candle|the silent forest|"
           "the city|the last train|a paper boat|the lighthouse|the morning|her shadow|his laughter|the snow|the dusk|"
           "a broken mirror|the garden|a wolf of smoke|the horizon|an empty chair|the attic|a violin|the desert|dawn|"
           "the harbor|time|memory|silence|loneliness|the mountain|a star|the storm|the fog|spring|the ocean|midnight|"
           "a ghost|the piano|the willow|a whale of clouds|the meadow|hope|sorrow|the sun|a forgotten song".split("|"),
    "verb": "whispered|danced|wept|sang|dreamed|drifted|slept|hummed|trembled|smiled|glowed|wandered|sighed|bloomed|"
            "shivered|laughed|waited|burned|dissolved|breathed|listened|unraveled|lingered|murmured|flickered".split("|"),
    "where": "beneath a velvet sky|on the edge of the world|in a house made of glass|between two heartbeats|over the rooftops|"
             "in the hollow of an oak|at the bottom of the sea|under a blanket of stars|behind the wallpaper|"
             "among the petals|in the belly of a whale|across fields of silver|through a door that was not there|"
             "inside a teacup|on a staircase of light|in a kingdom of ash|along the spine of the hills|"
             "where the map ends|in a tower of books|under the roots of the moon|by the river of forgotten names".split("|"),
    "sim": "a thief in velvet shoes|a broken promise|a bird made of smoke|an old song|a letter never sent|spilled ink|"
           "a slow waltz|a lantern in the fog|a ship without a captain|scattered pearls|a sleeping dragon|honey|"
           "a child with a secret|torn silk|a golden thread|the last page of a book|a drum of rain|cold fire|"
           "a queen without a crown|dust in the sunlight|a choir of ghosts|melted silver|a whispered prayer".split("|"),
    "adj": "silver|velvet|crimson|golden|pale|restless|forgotten|endless|trembling|moonlit|hollow|ancient|amber|lonely|"
           "luminous|shimmering|weary|scarlet|enchanted|starlit|wild|gentle|misty|glittering|tattered|secret".split("|"),
    "hero": "a dragon|a young witch|an old sailor|a clockmaker|a girl with silver hair|the last unicorn|a lonely robot|"
            "a knight without a sword|a thief|a prince who was turned into a swan|a talking fox|a lighthouse keeper|a ghost|"
            "a boy who could hear colors|a queen|a wandering poet|a pirate|a mermaid|the king of the crows|an astronaut|"
            "a painter|a detective|a time traveler|a vampire|a magician|a little cloud|a storyteller|a giant|"
            "two sisters|a musician|an orphan|a wizard".split("|"),
    "quest": "stole the moon|fell in love with the sea|searched for a lost song|built a ladder to the stars|"
             "traded a shadow for a voice|opened a door in a tree|sailed to the edge of the world|woke a sleeping city|"
             "painted the wind|found a map in a dream|forgot the color blue|planted a garden of bones|"
             "wrote letters to the rain|carried the night in a bag|followed a trail of feathers|sang to the stones|"
             "hid a star in a jar|learned the language of wolves|broke an ancient curse|danced with the dead|"
             "lost a heart in the snow|rode a comet|guarded a secret for a thousand years".split("|"),
    "topic": "autumn|the sea|lost love|a dragon|the moon|a lonely robot|a rainy day|a haunted house|my cat|spring|friendship|"
             "the stars|a magic forest|time travel|a brave knight|a snowflake|an old tree|dreams|a pirate ship|hope|"
             "a talking teapot|the night sky|first love|a city on Mars|a sad clown|a mermaid|the ocean at night|winter|"
             "a forgotten toy|a train that never stops|the color blue|a sunset|growing old|home|a thunderstorm|a butterfly".split("|"),
    "form": "poem|short story|haiku|song|fairy tale|sonnet|limerick|ballad|monologue|scene|fable|lullaby|tale|legend|"
            "love letter|screenplay|first chapter|myth|bedtime story|ode|dialogue|novel".split("|"),
    "light": "starlight|moonlight|candlelight|firelight|snow|silence|music|rain|shadow|honey|smoke|silk|laughter|roses".split("|"),
}

CREATIVE = """
{img} {verb} {where}.
{img} {verb} like {sim}.
{img} {verb} like {sim} {where}.
(The|A) {adj} {light} {verb} {where}, and {img} {verb2}.
{img} was (like|) {sim}, {adj} and {adj2}.
(Once upon a time|Long ago|In a faraway land|Once|In the year of the {adj} moon), {hero} {quest}.
{hero} {quest} (and never came home|while the world slept|before the first bell rang|and the night applauded|, and {img} {verb}).
(Write|Compose|Create|Please write|Make up|Can you write) a (|little |funny |sad |beautiful )({form}|{form}|poem|story) about {topic}(| and {topic2}| in the style of an old fairy tale| that rhymes| with a surprising ending).
(Write|Compose|Invent) a (|sad |strange ){form} in which {hero} {quest}.
(Imagine|Picture|Describe) (a world|a city|a kingdom|an island) (where|in which) {img} {verb} and {hero} {quest}.
(Continue|Finish|Begin) (the|this) story: {hero} {quest}(| {where}).
(Give me|Suggest|I need|Invent) (two|three|five|some) (ideas|names|titles|first lines|characters) for a {form} (about {topic}|in which {hero} {quest}).
(Invent|Describe|Draw|Imagine) (a|an unknown|a secret|a magical) (creature|animal|flower|planet|instrument|festival|language|machine|village|color) that (lives in {sim2}|floats above the sea|only exists in dreams|eats {light}|sings at night|remembers everything|is made of {light}).
{img} (poured|spilled|painted|scattered|wove|stitched|whispered|hung) ({light}|{sim}) (over|across|on|into) (the hills|the rooftops|the sleeping town|the water|the fields|my window|the streets).
{img} (is|was) ({sim}|a {adj} {light3}|a country of its own|the {adj} door of {img3}).
(My|Her|His|Our) (shadow|voice|heart|dream|laughter|grandmother|reflection|house|umbrella|sadness) (ran away to join the {light3}s|grew wings|turned into {sim}|spoke in {light}|wore {light} like a coat|forgot its own name|tasted of {light}).
(The|An old|A) ({adj} |)(knight|queen|wolf|sailor|witch|house|tree|bird|king|giant|cat|scarecrow) (asked {img} for|gave {img}|stole from {img}|buried under {img}|sang to {img} about) (forgiveness|a name|one more summer|a handful of {light}|{sim}|a {adj} secret).
(Give me|Invent|Think of) (a title|a first line|a metaphor|three characters|a plot|an opening sentence) for a {form} about {topic}.
O {adj} {img2}, (why do you weep?|sing to me once more!|carry me home!|how softly you burn!|you are the ink of my dreams.)
(Her|His) (eyes|hands|words|dreams|footsteps|memories) were {adj} {light}, (and|while) {img} {verb}.
(My|Her|His) heart is {sim}, {where}.
{light} fell (|softly )on {img}, and {hero} {quest}.
(In the|Through the) {adj} {light}, {hero} (danced|waited|wept|listened|vanished|dreamed) {where}.
And so {hero} {quest}, (for love is {sim}|and {img} {verb}|for every tale must end {where}).
"(Come closer|Do not be afraid|I have waited a hundred years|Take my hand|The stars remember you)," said {hero}, and {img} {verb}.
(Roses|Shadows|Petals|Feathers|Embers|Snowflakes|Dreams) {verb} {where} like {sim}.
(Every|Each) {adj} {light2} (holds a story|is a door|remembers her name|sings of {topic}|hides {sim}).
(Chapter one|The curtain rises|The tale begins|Act one): {hero} {quest}, and {img} {verb}.
(If|When) {img} {verb}, {hero} (would wake|opened one eye|began to sing|turned into {light}|remembered everything).
(The {adj} night|The {adj} city|The {adj} sea|The {adj} forest) (swallowed|cradled|painted|forgot|kissed) {img}(| like {sim}).
Nobody believed {hero}, who {quest} {where}.
Silver (leaves|waves|bells|threads|wings), {adj} {light}, (and {img} {verb}|{sim}|a song without words).
"""
CREATIVE_WORDS["sim2"] = "a mirror|an old clock|the clouds|a teapot|the roots of trees|a violin|the moon|forgotten books".split("|")
CREATIVE_WORDS["light3"] = "lantern|river|garden|circus|mirror|song|kite|lullaby|feather|bell|ribbon|tide|carousel".split("|")
CREATIVE_WORDS["img3"] = "the moon|the night|winter|the sea|the dead|the wind|the dawn|sleep".split("|")
CREATIVE_WORDS["img2"] = "moon|sea|wind|night|river|autumn|star|rain|rose|nightingale|dawn|winter|time|memory".split("|")
CREATIVE_WORDS["light2"] = "raindrop|candle|shadow|window|star|leaf|wave|snowflake|feather|stone|dream|lantern".split("|")

CASUAL_WORDS = {
    "food": "pizza|pancakes|coffee|noodles|a sandwich|tacos|ice cream|soup|a burger|sushi|pasta|popcorn|leftovers|toast|"
            "tea|salad|curry|chips|cookies|cereal|a bagel|fries|donuts|cake|beer|mac and cheese|a smoothie|eggs".split("|"),
    "when": "today|tonight|tomorrow|this weekend|on Friday|after work|later|next week|on Sunday|at noon|right now|"
            "after lunch|this evening|around eight|on Saturday|in the morning|soon".split("|"),
    "past": "yesterday|last night|this morning|last weekend|on Monday|the other day|at lunch|last week|earlier".split("|"),
    "do": "watch a movie|grab lunch|go for a walk|play some cards|hang out|go to the beach|order some food|catch up|"
          "go shopping|get a coffee|go to the gym|bake something|call my mom|take a nap|clean my room|go swimming|"
          "ride our bikes|play soccer|watch the game|go out|visit grandma|walk the dog|do the laundry|cook dinner|"
          "sleep in|play video games|get a haircut|stay home|meet up|go camping|throw a party|see a concert".split("|"),
    "done": "watched a movie|slept in|went shopping|missed the bus|spilled my coffee|met an old friend|cooked dinner|"
            "lost my keys|went for a run|played soccer|got a haircut|bought new shoes|cleaned the kitchen|burned the toast|"
            "forgot my umbrella|binged that new show|walked the dog|had the best nap|saw your brother|called my sister|"
            "ate way too much|went to the park|overslept|stayed up late|found your jacket|ran into your cousin".split("|"),
    "thing": "that movie|the new show|this song|the weather|that game|the party|the new cafe|this weekend|the concert|"
             "my new phone|your haircut|that restaurant|the traffic|this sweater|the match|the trip|your dog|that picture|"
             "the food here|your new place|that joke|the bus".split("|"),
    "feel": "great|awesome|so good|pretty funny|kind of boring|really nice|so tired|a bit much|super cool|the best|okay|"
            "not bad|terrible|hilarious|amazing|too loud|so cute|crazy|fine|lovely|way too long|so much fun".split("|"),
    "hey": "Hey|Hi|Hello|Hey there|Yo|Hi there|Morning|Good morning|Oh hey|Hiya|Good evening|Howdy|Hey everyone|Hey guys".split("|"),
    "tag": "haha|lol|you know|I guess|no worries|just saying|for real|oh well|anyway|so yeah|"
           "by the way|honestly|my friend|buddy|dude|man".split("|"),
    "place": "the mall|the beach|the zoo|the pool|the station|the airport|the supermarket|the gym|school|the office|the dentist|"
             "the library|a bar|a festival|a barbecue|a wedding|my aunt's house|the lake house|the bakery|the stadium|"
             "the playground|the farmers market|the hairdresser|the garage|Grandpa's place|the fair|a football match|the cinema".split("|"),
    "wear": "jacket|shoes|jeans|dress|sweater|hat|coat|glasses|socks|shirt|tie|sneakers|boots|scarf|backpack|watch|sunglasses".split("|"),
    "body": "head|back|tooth|knee|stomach|throat|feet|shoulder|ear|nose".split("|"),
    "kin": "brother|sister|son|daughter|nephew|niece|uncle|aunt|husband|wife|girlfriend|boyfriend|neighbor|roommate|best friend|"
           "cousin|mom|dad|grandpa|kid|teacher|little brother|big sister|dog|cat".split("|"),
    "kindid": "lost a tooth|learned to ride a bike|got married|turned seven|moved to a new flat|failed the driving test|"
              "won a goldfish|broke an arm|made the team|got a puppy|forgot my birthday|ate all the snacks|snores all night|"
              "wants a new bike|hates broccoli|loves dinosaurs|is in bed with a cold|started school|caught a big fish|"
              "painted the kitchen|is getting tall|fell asleep on the couch|brought flowers|hid my slippers|sings in the shower".split("|"),
    "friend": "Tom|Anna|my sister|my brother|the kids|Sam|grandma|my roommate|Lisa|Mike|the neighbors|Jenny|my cousin|"
              "your mom|the team|Ben|Kate|everybody|dad|Alex|Maria|my boss".split("|"),
    "pet": "my cat|my dog|the puppy|our kitten|the hamster|my neighbor's dog|the baby|our parrot".split("|"),
    "petdo": "slept on my laptop|ate my sandwich|keeps barking at the mailman|is so cute|woke me up at five|chewed my shoe|"
             "is hiding under the couch|will not stop meowing|knocked over a plant|loves the new toy|is snoring again".split("|"),
}

CASUAL = """
{hey}, (how are you|what's up|how is it going|how have you been|how was your day|what are you up to|how's everything|long time no see)(?|, {tag}?|? {tag}.)
{hey}, (do you want to|wanna|want to|shall we|should we) {do} {when}?
{hey}! I {done} {past}, {tag}.
(I|I just|We) {done} {past}(|, and it was {feel}|, {tag}|. How about you?|. What about you?).
{thing} was {feel}(|, {tag}|, wasn't it|. Did you like it?).
(Did you see|Have you seen|What did you think of|Did you like|Have you tried) {thing}(| yet)?
(I had|We had|I made|Let's get|I could really go for|I'm craving|We ordered) {food} (for (lunch|dinner|breakfast)|{when}|again)(|, {tag}|. It was {feel}).
(I'm|I am) (so|really|a bit|super) (tired|hungry|sleepy|bored|excited|happy|cold|busy) {when}(|, {tag}|. Let's {do}).
(See you|Talk to you|Catch you|Call me|Text me) {when}(!|.|, {tag}.)
(Thanks|Thank you|Thanks a lot|Thanks so much) for (the {food2}|last night|the ride|your help|coming over|the birthday gift|dinner|the invite|everything)(!|, {tag}.|. You're the best!)
{friend} and I (are going to|want to|might|will) {do} {when}. (Want to come?|You should join us!|Are you in?|Wanna tag along?|Let me know.)
(Can you|Could you) (pick up|bring|grab|get) {food} (on your way home|for {friend}|{when}|at the store)?
{pet} {petdo}(|, {tag}| again|. So funny).
(What|Where) (are you doing|should we go|do you want to eat|are you going) {when}?
(What are your plans|Any plans|Anything fun|Are you free|Are you busy) {when}?
(Guess what|You won't believe it|Oh man|Oh wow|Haha|Ugh|Yay|No way), I {done} {past}!
(The weather|It) is (so nice|so hot|so cold|really rainy|lovely|awful|perfect) {when}, (let's {do}|I just want to {do}|I might {do}|we should {do}).
(My weekend|My day|The party|Our trip|My birthday|The picnic) was {feel}(|, I {done}|, we {done}|, {tag}).
(Sorry|Oops|My bad|Whoops), I {done} and (forgot to call|I'm running late|totally missed your text|could not make it)(|, {tag}).
(Happy birthday|Good luck|Congrats|Sweet dreams|Have a nice trip|Have fun|Get well soon|Take care), {friend}! (Let's {do} {when}|Hope it was {feel}|See you {when}|Miss you|Hugs)(!|.)
(I don't feel like|I feel like) (cooking|going out|working|getting up|shopping|talking) {when}, {tag}.
(What's|What is) your favorite (movie|color|food|song|season|team|show|ice cream|game|animal)(?|, {tag}?)
(Tell|Ask) {friend} to (call me|bring {food}|come over {when}|text me|hurry up)(.|!|, {tag}.)
Say (hi|hello) to {friend} (from me|for me|when you see them)(.|!|, {tag}.)
Tell {friend} (that dinner is ready|I said hi|I'm on my way|I'll be late)(.|!|, {tag}.)
{friend} (just called|says hi|is coming over|is late again|made {food}|told me a funny joke|got a new job|loves {thing})(|, {tag}|. {hey}!).
(Do you like|Do you want|Are you having|Is there any|Who wants) {food}(| {when})?
(I love|I like|I really enjoy|I can't stand|I'm not a fan of) {thing}(|, it's {feel}|, it is {feel}|, {tag}).
(Good night|Bye|See you later|Gotta go|Take it easy|Later)(, {tag}|, {friend}|)! (I need to {do}|Let's {do} {when}|I'm off to {do}|Sleep well).
(No|Yeah|Sure|Nah|Okay|Yep|Cool|Maybe), (I can't, I have to|let's|I'd love to|we could) {do} {when}(|, {tag}).
(Long day|Busy week|Rough morning|Lazy Sunday|What a day)(, {tag}.|...|!) I just want to {do} (and eat {food}|with {friend}|{when}).
(How was|How's|How is) (your weekend|work|school|the family|the new job|your mom|the trip|{friend}|life)(|, {tag})?
(I|We|{friend}) (went|drove|walked|had to go|was at home and then went) to {place} {past}(|, {tag}| and it was {feel}| and got {food}| with my {kin}).
My {kin} {kindid}(| {past}|, {tag}|, can you believe it|, so sweet).
(Let's|Why don't we|We could|Should we) (meet|wait|eat|have {food}) (at|near|in front of) {place} (at (five|six|seven|eight|noon)|{when})(?|.|!)
(We|I|The kids) (spent|wasted|enjoyed) (the whole (day|afternoon|morning|evening|weekend)|hours) at {place}(|, {tag}|, it was {feel}).
(I love|Nice|Cute|Where did you get|Is that|I like) (your|the|that) (new |old |red |blue |funny |){wear}(|, {tag}|, it looks {feel})(!|.)
(I don't know|No idea|Not sure) (what to (wear|cook|buy|bring|say)|where to (park|eat|go)|when to come) (to {place}|for {friend}|{when}).
My {body} (hurts|is killing me|is sore|feels weird) (today|since {past}|again|from all that dancing)(|, {tag}).
(Mondays|Tuesdays|Mornings|Rainy days|Holidays|Sundays|Long meetings|Cold showers|Traffic jams|Family dinners) are (the worst|the best|{feel}|so slow)(|, {tag}).
(It's|It was) (freezing|boiling|pouring|snowing|windy|sunny|cloudy) (outside|out there|{when}|here), (I'm staying in|let's {do}|bring a {wear}|I need {food}).
(Can|Could) (you|somebody) (pick me up|drive me|meet me|call me|drop me off) (at|after|before) {place} {when}?
(I'm|I was|We're) (on my way|stuck|waiting|sitting|standing in line) at {place}(|, {tag}|, back in ten minutes|, this takes forever).
(I|We) (just|only|finally) (woke up|got home|got up|finished dinner|ate {food}|got back from {place}) and (need|want|could use) (a nap|{food}|some sleep|a hug|a break|a shower).
(Dinner|Lunch|Breakfast|The cake|The coffee|The pie|{food}) (was|is|smells|tastes) (delicious|yummy|cold|burnt|{feel})(|, thanks|, {tag}|, have some).
(I can't find|Have you seen|Where did you put) (my keys|my phone|the remote|my glasses|my other sock|my wallet|the charger)(?|, {tag}?)
"""
CASUAL_WORDS["food2"] = "pizza|coffee|cookies|cake|soup|tea|snacks|lunch|breakfast".split("|")

CREATIVE_PLAIN = """
The snow remembered every footstep that had ever crossed it.
Once, a tailor sewed a coat out of rain.
Gold spills from the lips of the evening.
Tell me a tale of a wizard who is afraid of magic.
She wore the night like a borrowed dress.
The castle slept for a hundred years, and ivy climbed its dreams.
Give my villain a tragic backstory and a secret wish.
In the silence between two notes, the violin found its soul.
Describe a color that nobody has ever seen.
The old pirate buried his heart instead of the treasure.
Rain taps its fingers on the roof, a pianist without a piano.
A thousand lanterns rose, each one carrying a wish.
The fairy hid in the foxglove until the moon went away.
Rewrite this fairy tale from the point of view of the wolf.
Love is a garden where even the weeds wear perfume.
The spaceship was a pearl in the throat of the dark.
She closed the book, and the characters held their breath.
Make up a lullaby for a baby dragon.
Time is a river that forgot where the sea is.
The scarecrow longed to dance with the wind.
Invent a mythical creature that lives in mirrors.
The last leaf let go, like a word whispered at the end of a letter.
The princess climbed down from the tower and became a blacksmith.
Write the opening scene of a mystery in an old hotel.
My grandmother's kitchen was a country with its own weather.
The stars are small holes in the coat of the night.
Write lyrics for a song about leaving home.
The kingdom had two suns, and neither of them ever set.
"""

CASUAL_PLAIN = """
I can't believe it's already Friday.
Dinner was so good, I had seconds.
My bus was late again, so annoying.
We should totally hang out more often.
Wanna come over and watch the game?
The kids were so loud at the pool today.
I finally cleaned my room, be proud of me.
That was fun, let's do it again sometime.
Did you sleep well?
I'm on my way, be there in five.
My feet hurt from all that walking.
The cat is asleep on my lap, so I can't get up.
What should we have for dinner?
I got a sunburn at the lake.
Nice shoes, where did you get them?
We're out of milk again.
How's your mom doing?
Just chilling at home, what about you?
It's my birthday next week, come by!
I love rainy days, they make me want to stay in bed.
Thanks, that's really sweet of you.
Nothing much, just watching TV.
You look great today!
I'm so full, I ate way too much cake.
Long time no see, how have you been?
Aw, your baby is so cute.
See you at the party tonight.
Sorry I missed your call, I was in the shower.
My sister is visiting this weekend, and we might go to the zoo.
It's too hot to do anything today.
I need a vacation.
Have you eaten yet?
"""
