"""Story schemas, first half: things lost, found, shared, made and mended.

A schema is a name, what it needs, titles, the beats of the story (one per line) and questions with answers.
A beat that starts with "?" is told in half of the stories; "/" marks where a new paragraph may start.
Slots: H hero, F friend or rival (of the other sex), E a wise old animal, M a relative of the hero, O and Q things,
L and K places, Day "one sunny morning," or the like. See grammar.py for the marks.
"""

SCHEMAS = []


def schema(name, things=(), friend=None, hero=None, friend_kinds=None, titles="", beats="", questions="", moral=""):
    """Register one schema. `friend` and `hero` may restrict who can play the part (group names)."""
    SCHEMAS.append({
        "name": name, "things": things, "friend": friend, "hero": hero, "friend_kinds": friend_kinds,
        "titles": titles.strip().split("|"),
        "beats": [line.strip() for line in beats.strip().splitlines()],
        "questions": [line.strip().split(" = ") for line in questions.strip().splitlines()], "moral": moral})


schema("lost", things=("toy",), titles="The Lost {O}|{H.n} and the {O.full}|Where Is the {O}?", beats="""
{H.n} had {O.a}. (It was {H.his} favorite thing in the world.|{H.he} loved it very much.|{H.he} took it everywhere.|It was a gift from {M.n}.)
/ {Day} {H.n} (could not find|looked for|wanted to play with) (the {O.full}, but it was gone|the {O}, but it was not there).
? {H.he} looked under (the bed|the table|the stairs), but it was not there.
? {H.he} looked behind (the door|the big chair|the woodpile) and in every corner.
(Tears came to {H.his} eyes.|{H.n} was very sad.|{H.n} felt like crying.) "Where can my {O} be?" {H.he} (asked|said|wondered).
/ {F.a} came by and (saw that {H.n} was sad|asked what was wrong). "I lost my {O}," (said {H.n}|{H.n} said). "(Do not worry|Do not cry|Cheer up)," said {F.n}. "(I will help you|We will find it|Let us look for it) (together|)."
(They|So they|The two friends) (walked|went|hurried) {L.to} and (looked everywhere|searched for a long time|looked behind every stone).
? They asked {E.a}. "I (saw|have seen) something {O.look} {L.in}," said {E}.
At last, {F.n} (saw something {O.look}|pointed and shouted). There was the {O}, (under a bush|behind a big stone|between two roots|in the tall grass)!
/ {H.n} (hugged {F.n}|jumped for joy|laughed out loud). "Thank you!" {H.he} said. "(You are a true friend|You are so kind|I could not have found it alone)."
(They played with the {O} until the sun went down.|{H.he} let {F.n} play with the {O} all afternoon.|After that, {H.n} always took good care of the {O}.)
""", questions="""
What did {H.n} lose? = {H.n} lost {H.his} {O.full}.|{H.n} lost the {O.full}.
Who helped {H.n}? = {F.n} helped {H.n}.
Where did they find the {O}? = They found the {O} {L.in}.|They found it {L.in}.
Why was {H.n} sad? = {H.n} was sad because {H.his} {O} was gone.
What did the {O} look like? = It was {O.a}.
""", moral="a friend can help you when something is lost")

schema("found", things=("treasure",), titles="{H.n} Finds a {O}|The {O.full}|Whose {O} Is It?", beats="""
{Day} {H.n} was (walking|playing|looking for flowers) {L.in} when {H.he} saw something (in the grass|under a leaf|between the stones|on the ground).
(It was {O.a}!|"Oh!" {H.he} said. "^{O.a}!") (It shone in the sun.|{H.n} had never seen one so lovely.|^{H.he} picked it up and looked at it for a long time.)
? {H.n} wanted to keep it. But then {H.he} thought, "Somebody must be (sad|looking for it) now."
/ {H.he} (went|walked) to {E.a} and asked, "Is this your {O}?" "No," said {E}. "(It is not mine|My {O} is at home|I never had a {O}). (Try asking {L.in}|Ask somebody else|Perhaps somebody {K.in} knows)."
? {H.n} asked (a snail|two ants|a butterfly|a blackbird), but (nobody knew|they only shook their heads).
/ (Then|At last|In the evening), {H.he} met {F.a} who was crying {K.in}. "What is wrong?" asked {H.n}. "I lost my {O}," said {F.n}. "(My grandmother gave it to me|I have looked everywhere|I have had it since I was very small)."
{H.n} (smiled and held out|gave {F.him}) the {O.full}. {F.n} could not believe it. "(You found it! Thank you!|Thank you, thank you!|That is mine! You are so honest!)"
/ To say thank you, {F.n} gave {H.n} (a big honey cake|a bag of sweet cherries|a warm hug|a little bell of {H.his} own). {H.n} (was glad that {H.he} had not kept the {O}|felt warm inside|knew that {H.he} had done the right thing).
""", questions="""
What did {H.n} find? = {H.n} found {O.a}.
Where did {H.n} find the {O}? = {H.n} found the {O} {L.in}.|{H.he} found it {L.in}.
Whose {O} was it? = The {O} belonged to {F.n}.|It was {F.n}'s {O}.
Why was {F.n} crying? = {F.n} was crying because {F.he} had lost {F.his} {O}.
What did {H.n} do with the {O}? = {H.n} gave the {O} back to {F.n}.
""", moral="it is right to give back what is not yours")

schema("locked", things=("treasure",), titles="The Little Door|{H.n} and the Silver Key|The Secret Door", beats="""
{Day} {H.n} found a (little|small|old) silver key {L.in}. "What does it open?" {H.he} wondered.
{H.he} (tried|put) the key in the (door of the old mill|kitchen cupboard|gate of the garden), but it did not (turn|fit).
? {H.he} tried it in (a big brown chest|the old clock|the door of the church), but it did not fit there either.
/ "Perhaps {E.a} knows," thought {H.n}. {E} looked at the key and nodded slowly. "{K.in}, there is a little (green|blue|red|round) door," (said {E}|{E.he} said). "Nobody has opened it for a hundred years."
So {H.n} (ran|walked|hurried) {K.to}. (There, behind the leaves, was the little door.|{H.he} looked and looked, and there it was.|Under the ivy, {H.he} found the door.)
{H.his} heart was beating fast. {H.he} put in the key, and (click|with a soft click), the door opened.
/ Behind it was (a tiny room full of candles|a secret garden full of roses|a small room with a round table). On (a stone|a chair|a shelf) lay {O.a} and a note. The note said, "(For the one who keeps looking|For the one who does not give up|This is for a curious heart)."
{H.n} (smiled|laughed with joy|could hardly believe it). {H.he} took the {O} home and (kept it by the window|showed it to {M.n}|told everybody about the door).
""", questions="""
What did {H.n} find first? = {H.n} found a silver key.
Where was the little door? = The little door was {K.in}.
Who told {H.n} about the door? = {E} told {H.n} about the door.
What was behind the door? = Behind the door was {O.a} with a note.|There was {O.a} and a note.
Where did {H.n} find the key? = {H.n} found the key {L.in}.
""", moral="those who keep looking will find something")

schema("share_food", things=("food",), titles="{H.n} Shares the {O}|The {O}|A Friend for Lunch", beats="""
{Day} {H.n} had {O.a}. (It smelled wonderful.|{H.his} {M.kind} had made it.|{H.he} had waited for it all week.) {H.he} (went {L.to} to eat it|sat down {L.in} to eat it|carried it {L.to}).
? "I will eat it all by myself," {H.he} thought.
Just then, {F.a} came along. {F.he} looked (tired and thin|cold and hungry|very hungry). "(I have not eaten since yesterday|My basket is empty|I am so hungry)," said {F.n} (softly|in a small voice|sadly).
/ {H.n} looked at the {O}. Then {H.he} looked at {F.n}. ("It is big enough for two,"|"Come and sit with me,"|"Please have half of it,") {H.he} said.
They (sat side by side and ate|shared the {O} and talked|ate every crumb). {F.n} told (funny|long|strange) stories, and {H.n} laughed until {H.his} belly hurt.
? "It tastes better with a friend," said {H.n}.
/ (Some days later|When winter came|A week later), {H.n} had (nothing to eat|an empty pantry|no food at all). (There was a knock at the door.|Somebody called {H.his} name.) It was {F.n}, with a big basket full of (bread and apples|nuts and pears|cheese and cake)!
"You shared with me," {F.n} said, "(and now I share with you|so now it is my turn|and I did not forget it)." {H.n} (was so happy that {H.he} danced|thanked {F.him} with all {H.his} heart|had never been so glad).
""", questions="""
What did {H.n} have to eat? = {H.n} had {O.a}.
Who was hungry? = {F.n} was hungry.
Why did {H.n} share the {O}? = {H.n} shared the {O} because {F.n} was hungry.
Where did they meet? = They met {L.in}.
What did {F.n} bring later? = {F.n} brought a big basket full of food.
""", moral="what you share comes back to you")

schema("storm_house", friend=None, titles="The Storm|A House in the Storm|{H.n} Opens the Door", beats="""
{Day} dark clouds (came over the hills|filled the sky|rolled in from the west). (The wind howled.|Thunder rumbled.|Big drops began to fall.) A storm was coming!
{H.n} (ran home|hurried home|closed the windows) and (lit a fire|lit a candle|made a pot of hot tea). (It was warm and dry inside.|Inside, it was cozy and warm.)
/ Then there was a knock at the door. It was {F.a}, wet from head to toe. "(My house blew away|My roof is gone|I cannot find my way)," said {F.n}. "(May I come in?|Can I stay here tonight?)"
"(Of course|Come in, come in|Come in quickly)," said {H.n}. "(There is room for two|You must be cold|Sit by the fire)."
? A moment later, there was another knock. It was {E.a}. "(Is there room for me?|May I come in too?)" "There is always room for one more," said {H.n}.
? {H.he} gave {F.n} a dry blanket and a bowl of hot soup.
/ All night long, the wind shook the walls. But inside, they (told stories|sang songs|played games) and were not afraid.
In the morning, the sun came out (and the world was clean and bright|and a rainbow stood over the hill|and the birds sang again). {H.n} helped {F.n} to (build a new house|mend the roof|find the way home).
(From then on|After that), {F.n} came to visit (every Sunday|every week|whenever it rained).
""", questions="""
What was coming? = A storm was coming.
Who knocked at the door? = {F.n} knocked at the door.
Why did {F.n} need help? = {F.n} needed help because of the storm.
What did they do all night? = They stayed warm inside and were not afraid.
What did {H.n} do in the morning? = In the morning, {H.n} helped {F.n}.
""", moral="there is always room for one more")

schema("garden", things=("plant",), titles="The {O}|{H.n}'s Garden|The Slow Seed", beats="""
{Day} {M.n} gave {H.n} a (tiny|small|round|brown) seed. "(Plant it and be patient|Give it water and time|Take good care of it)," {M.he} said.
{H.n} dug a hole {L.in} and put the seed in. {H.he} gave it water and waited. (Nothing happened.|The ground stayed bare.)
The next day, {H.he} looked again. (Still nothing.|There was only brown earth.) "(Why does it not grow?|Is it asleep?|Maybe it is broken)," {H.he} said.
/ {F.a} walked past and laughed. "(That seed will never grow|You are wasting your time|It is only a stone)," said {F.n}. But {H.n} (did not give up|kept giving it water|only smiled and went on).
? {H.he} sang to the seed every evening.
? When it was hot, {H.he} carried water from the well. When it was cold, {H.he} covered it with leaves.
/ Then, one morning, there was a tiny green leaf! It grew and grew. (By the end of the summer|After many weeks|When autumn came), it was {O.a}, (taller than {H.n}|the finest one in the whole land|so lovely that everybody stopped to look).
"I was wrong," said {F.n}. "(Will you teach me how to grow one?|It is beautiful. How did you do it?)" "(With water, sun and a lot of time|You only have to wait and care|I was patient)," said {H.n}.
""", questions="""
Who gave {H.n} a seed? = {M.own} gave {H.n} the seed.|{M.own} did.
What did the seed become? = The seed became {O.a}.
Where did {H.n} plant the seed? = {H.n} planted the seed {L.in}.
Who laughed at {H.n}? = {F.n} laughed at {H.n}.
How long did it take? = It took a long time, and {H.n} was patient.
""", moral="good things need time")

schema("broken", things=("treasure",), hero=("child", "farm", "forest", "water", "royal"), titles="The Broken Vase|{H.n} Tells the Truth|The Blue Vase", beats="""
{M.n} had a (blue|white|tall green|painted) vase (that was very old|that {M.he} loved|from a faraway land). "(Please be careful with it|Do not run near it)," {M.he} always said.
/ {Day} {H.n} was (playing with a ball in the house|running through the room|dancing in the kitchen). (Bump!|Crash!|Oh no!) The vase fell from the table and broke.
{H.n} (was frightened|felt cold and small|did not know what to do). {H.he} hid the pieces (under the bed|behind the curtain|in a box).
When {M.n} came home, {M.he} asked, "Where is my vase?" "(I do not know|Maybe the wind took it|The cat took it)," said {H.n}. But it was not true.
/ That night, {H.n} could not sleep. The lie felt like (a stone in {H.his} belly|a heavy bag|a cold rain).
In the morning, {H.he} went to {M.n}. "I broke the vase, and I did not tell the truth," {H.he} said. "I am (so|very) sorry."
{M.n} was quiet for a moment. Then {M.he} (took {H.him} in {M.his} arms|smiled a little|sat down beside {H.him}). "(I am sad about the vase|It was a lovely vase|A vase can break)," {M.he} said, "but (I am proud that you told me|the truth is worth more|I am glad that you are honest)."
/ Together, they (glued the pieces|put the pieces together again). (It was not as pretty as before, but {M.n} loved it even more.|It had many thin lines now, and they put flowers in it.)
""", questions="""
What did {H.n} break? = {H.n} broke the vase.
Why could {H.n} not sleep? = {H.n} could not sleep because {H.he} had told a lie.
What did {H.n} do in the morning? = In the morning, {H.n} told the truth.
Was {M.own} angry in the end? = No, {H.his} {M.kind} was glad that {H.n} told the truth.
Whose vase was it? = The vase belonged to {M.own}.
""", moral="it is better to tell the truth")

schema("stuck_kite", things=(), titles="The Kite in the Tree|{H.n}'s Kite|Up in the Tree", beats="""
{H.n} had a (red|blue|yellow|striped|green) kite with a long tail. {Day} the wind was strong, so {H.he} took it {L.to}.
The kite (flew high above the trees|danced in the sky|went up and up). {H.n} (laughed|ran as fast as {H.he} could|held the string with both hands).
/ But then a (big|sudden|strong) gust came, and the kite flew into (the tallest tree|an old oak tree|a high pine tree). It was stuck!
{H.n} pulled the string, but the kite did not move. {H.he} jumped, but the branch was too high.
? {H.he} threw a stick at it, but that did not help.
/ {F.a} was (sitting|resting|playing) nearby. "(I can climb|I am good at climbing|Let me try)," said {F.n}. "(But I need somebody to hold the ladder.|But you must hold the ladder.|Will you hold the ladder for me?)"
{H.n} (fetched a ladder|brought a ladder from the barn) and held it with all {H.his} strength. {F.n} climbed up, step by step, and pulled the kite out of the leaves.
? "(Be careful!|Hold on tight!)" called {H.n}.
/ "(Here it is!|I have it!)" called {F.n}. The kite had a small hole in it, but they (mended it with tape|put a patch on it|mended it together).
Then they (flew it together until evening|took turns with the string|let it fly above the hill).
""", questions="""
What was stuck in the tree? = The kite was stuck in the tree.
Who climbed the ladder? = {F.n} climbed the ladder.
Who held the ladder? = {H.n} held the ladder.
Where did {H.n} fly the kite? = {H.n} flew the kite {L.in}.
Why did the kite get stuck? = The wind blew the kite into a tree.
""", moral="two can do what one cannot")

schema("gift", things=("wear",), titles="A Gift for {F.n}|The {O.full}|{H.n} Makes a Gift", beats="""
It was (almost|nearly) {F.n}'s birthday. {F.n} was {H.n}'s best friend, and {H.n} wanted to give {F.him} (something special|the best gift in the world).
But {H.n} had no money. "(What can I do?|How can I buy a gift?)" {H.he} asked {M.n}. "(You can make one|The best gifts are made by hand|A gift does not need to cost money)," said {M.n}.
/ So {H.n} decided to make {O.a}. {H.he} found (some|a bag of) {O.look} wool and began to work. (It was not easy.|It was harder than it looked.)
First, it was too (big|long). Then it was too (small|short). {H.n} (sighed|almost gave up|was angry), but {H.he} tried again.
? {H.he} worked every evening by the light of a small lamp.
? {M.n} showed {H.him} how to tie the last knot.
/ On the birthday, {H.n} gave {F.n} the {O}. (It had a few holes|One side was longer than the other|It was a little crooked), and {H.n} was worried. "(Do you like it?|I hope you like it,)" {H.he} (asked|said) softly.
{F.n} put it on at once. "You made this for me?" {F.he} said. "(It is the best gift I ever got|I will never take it off|It is so warm, just like you)!"
And all winter long, {F.n} wore the {O.full} (with pride|every day|wherever {F.he} went).
""", questions="""
What did {H.n} make for {F.n}? = {H.n} made {O.a} for {F.n}.
Why did {H.n} make a gift? = {H.n} made a gift because it was {F.n}'s birthday.
Who told {H.n} to make a gift? = {M.own} told {H.n} to make one.
Did {F.n} like the gift? = Yes, {F.n} loved the {O}.
Whose birthday was it? = It was {F.n}'s birthday.
""", moral="a gift made with love is the best gift")

schema("soup", titles="The Big Pot of Soup|{H.n} Makes Soup|Soup for Everybody", beats="""
{Day} {H.n} wanted to (make soup|cook a pot of soup), but all {H.he} had was (one carrot|one potato|a single onion) and a big pot of water.
"(This will be a thin soup|One carrot is not much|That is not enough)," {H.he} (sighed|thought). But {H.he} lit the fire and began to stir.
/ {F.a} (came by|looked in at the window|smelled the smoke). "What are you cooking?" asked {F.n}. "Soup," said {H.n}, "but I have so little to put in." "(I have some beans|I have two leeks|I have a bag of peas)," said {F.n}. "Let us put them in!"
Then {E.a} came. "I have (a bunch of herbs|some mushrooms|a piece of pumpkin)," said {E}. "In it goes!"
? A little mouse brought a pinch of salt, and a hen brought an egg.
/ Soon, the pot was full to the top, and it smelled (wonderful|so good that everybody came running|better than any soup before).
They sat down {L.in} and ate together. (There was enough for everybody.|Everybody had two bowls, and there was still some left.)
"(What is the secret of this soup?|Why does it taste so good?)" asked {F.n}. {H.n} smiled. "(Everybody put in a little|It is made by all of us|A little from everybody makes a lot)," {H.he} said.
""", questions="""
What did {H.n} cook? = {H.n} cooked a big pot of soup.
Who came first? = {F.n} came first.
Where did they eat? = They ate {L.in}.
Why did the soup taste so good? = The soup tasted good because everybody put in a little.
Who came after {F.n}? = {E} came after {F.n}.
""", moral="a little from everybody makes a lot")

schema("bridge", things=("tool",), titles="The Little Bridge|{H.n} Builds a Bridge|Over the Stream", beats="""
{H.n}'s home was on one side of (the stream|the river), and {F.a} lived on the other side. They waved to each other every day, but (the water was too deep to cross|they could not cross the water).
/ {Day} {H.n} said, "I will build a bridge." {H.he} took {O.a} and some (wood|old boards|branches) and went to work.
{H.he} worked (all morning|until noon|for three days). But when {H.he} stepped on the bridge, it (broke|fell into the water|sank). Splash! {H.n} was wet all over.
? A duck swam past and laughed.
/ "(Do not give up!|Try again!)" called {F.n} from the other side. "(I will start from my side|I will build from here|Let me help you), and we will meet in the middle!"
So they both began to build, {H.n} from one side and {F.n} from the other. (The {O} helped a lot.|{H.n} threw the {O} across, and {F.n} used it too.|They sang while they worked.)
? "A bit more to the left!" called {H.n}. "Now hold it!" called {F.n}.
/ When the sun went down, the last (board|branch|stone) was in its place. {H.n} and {F.n} met in the middle and (shook hands|hugged each other|danced for joy).
(Now they did not have to wave any more.|From then on, they visited each other every day.) And (all the neighbors|everybody) used the little bridge too.
""", questions="""
What did {H.n} build? = {H.n} built a bridge.
Who helped {H.n}? = {F.n} helped {H.n} from the other side.
Why did {H.n} want a bridge? = {H.n} wanted to visit {F.n} on the other side of the water.
What tool did {H.n} take? = {H.n} took {O.a}.
What happened to the first bridge? = The first bridge did not hold, and {H.n} got wet.
""", moral="if both sides build, they meet in the middle")

schema("cookies", hero=("child", "farm", "forest", "water", "royal", "trade"), titles="Who Took the Cookies?|The Cookie Thief|A Trail of Crumbs", beats="""
{Day} {H.n} baked (ten|twelve|six|eight) cookies and put them on the window to cool. (They smelled of butter and honey.|The whole house smelled sweet.)
When {H.he} came back, (half of them were gone|only two were left|the plate was almost empty)! "Who took my cookies?" {H.he} cried.
/ {H.n} looked at the ground. There was a trail of crumbs! {H.he} followed it (across the yard|over the fence|down the path) and {L.to}.
On the way, {H.he} met {E.a}. "Did you take my cookies?" asked {H.n}. "No," said {E}, "(but I saw somebody run by with full cheeks|but I heard somebody munching over there|cookies hurt my old teeth)."
/ The crumbs ended (under a bush|behind a log|at a big stone). There sat {F.a}, with crumbs all over {F.his} face. {F.n} (looked down|turned red|began to cry).
"I am sorry," said {F.n}. "(I was so hungry|They smelled so good|I had never tasted a cookie). I should have asked."
{H.n} thought for a moment. {H.he} was (not angry any more|still a little angry, but {H.he} smiled). "(Next time, just ask|If you had asked, I would have given you one)," {H.he} said. "(Come and help me to bake some more|Now you can help me to bake new ones)."
So they baked together, and this time they (shared them|ate them together|gave one to {E} too).
""", questions="""
What did {H.n} bake? = {H.n} baked cookies.
Who took the cookies? = {F.n} took the cookies.
How did {H.n} find {F.n}? = {H.n} followed a trail of crumbs.
Where did the crumbs lead? = The crumbs led {L.to}.
What did they do in the end? = In the end, they baked new cookies together.
""", moral="it is better to ask than to take")

schema("music", things=("music",), titles="{H.n} and the {O}|The {O}|The Song in the Evening", beats="""
{H.n} wanted to play the {O} more than anything. {Day} {M.n} gave {H.him} {O.a}.
But when {H.n} tried to play, it sounded (terrible|like a squeaky door|like an angry cat). {F.a} (covered {F.his} ears|laughed and laughed|ran away). "(Stop that noise!|That is not music!)" {F.n} said.
{H.n} (was sad|felt ashamed|wanted to hide). {H.he} put the {O} (under the bed|in a dark corner) and did not touch it for (a week|three days).
/ Then {H.he} heard {E.a} singing {L.in}. The song was (soft and lovely|beautiful). "How did you learn to sing like that?" asked {H.n}.
"(I was bad at it for a long time|At first, I sang like a rusty gate|I tried a thousand times)," said {E}. "(A little every day, that is all|Practice a little every day)."
/ So {H.n} practiced a little every day. (On the first day, it was bad.|At first, it still squeaked.) After a week, it was (better|not so bad). After a month, it was (good|music).
One evening, {H.n} played {L.in}. {F.n} stopped and listened. "(That is beautiful|I never heard such a lovely song)," {F.he} said. "I am sorry that I laughed."
(Everybody clapped, and {H.n} took a bow.|{H.n} smiled and played one more song.|And {H.n} played until the stars came out.)
""", questions="""
What did {H.n} want to play? = {H.n} wanted to play the {O}.
Who did not like the music at first? = {F.n} did not like it at first.
Who gave {H.n} good advice? = {E} gave {H.n} good advice.
How did {H.n} get better? = {H.n} practiced a little every day.
Where did {H.n} hear the singing? = {H.n} heard it {L.in}.
""", moral="practice makes you better, a little every day")
