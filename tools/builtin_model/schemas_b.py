"""Story schemas, second half: fears, friends, journeys and wishes. See schemas_a.py for the form."""

from schemas_a import schema

schema("fear_dark", titles="{H.n} and the Dark|A Light in the Night|The Brave {H.kind}", beats="""
{H.n} was afraid of the dark. Every night, {H.he} (hid under the blanket|left a candle burning|could not sleep).
"(There are monsters in the dark|The dark is too big|I do not like the dark)," {H.he} told {M.n}. "(The dark is only the day with its eyes closed|There is nothing in the dark that is not there in the light)," said {M.n}.
/ {Night} {H.n} heard a small voice outside. "(Help!|Please help me!)" it called. It was {F.a}, who was lost {L.in}.
{H.n} looked out of the window. It was very dark. {H.his} knees shook. "(Somebody must help|I must go|If I am afraid, {F.he} must be even more afraid)," {H.he} thought.
So {H.he} took a little lantern and went out into the night, step by step.
? An owl called. {H.n} jumped, but {H.he} did not turn back.
? The shadows of the trees looked like long arms. But they were only trees.
/ At last, {H.he} found {F.n} (under a bush|beside a stone|behind a tree). "I was so afraid," said {F.n}. "So was I," said {H.n}. "(Let us be afraid together|Hold on to me|Now we are two)."
They walked home under the stars. (The stars were bright|The moon came out), and {H.n} saw that the night was (beautiful|full of little lights|not so dark at all).
(From that night on|After that), {H.n} was not afraid of the dark any more.
""", questions="""
What was {H.n} afraid of? = {H.n} was afraid of the dark.
Who was lost? = {F.n} was lost.
Where was {F.n} lost? = {F.n} was lost {L.in}.
What did {H.n} take along? = {H.n} took a little lantern.
Why did {H.n} go out into the night? = {H.n} went out to help {F.n}.
""", moral="you can be afraid and brave at the same time")

schema("lonely", titles="{H.n} Finds a Friend|A New Friend|{H.n} and {F.n}", beats="""
{H.n} had (just moved to a new home|no friends yet|nobody to play with). {H.he} (played alone every day|felt very lonely|watched the others from far away).
? "(Nobody wants to play with me|I wish I had a friend)," {H.he} said to {M.n}. "(Be kind, and a friend will come|A friend may be closer than you think)," said {M.n}.
/ {Day} {H.n} went {L.to}. There {H.he} saw {F.a}, who was (trying to build a tower of stones|sitting all alone on a log|throwing pebbles into a puddle).
{H.n} (was shy and did not know what to say|wanted to run away|hid behind a tree). But then {H.he} (took a deep breath and|) said, "(Hello. May I play with you?|Hello. What are you doing?|Hello. Can I help you?)"
{F.n} (looked up and smiled|was surprised|turned around). "(I was hoping that somebody would ask|I am new here too|I have nobody to play with)," {F.he} said. "(Sit down with me|Yes, please|Come and join me)!"
/ They (built a tower as tall as a house|played hide and seek|told each other secrets|looked for funny clouds) until (the sun went down|it was time for supper).
"(Will you come back tomorrow?|Shall we meet here again tomorrow?)" asked {F.n}. "(I will come every day|Of course I will|Yes, and the day after that)," said {H.n}.
That evening, {H.n} ran home and (told {M.n} everything|could not stop smiling). {H.he} was not lonely any more.
""", questions="""
Why was {H.n} lonely? = {H.n} was lonely because {H.he} had nobody to play with.
Who did {H.n} meet? = {H.n} met {F.n}.
Where did they meet? = They met {L.in}.
How did {H.n} feel in the end? = In the end, {H.n} was happy and not lonely any more.
What did {H.n} say first? = {H.n} said hello.
""", moral="a kind word can begin a friendship")

schema("race", titles="The Big Race|{H.n} and {F.n} Race|The Race {L.to}", beats="""
{F.a} was the fastest of all, and {F.he} (told everybody about it|was very proud of it|never stopped talking about it). "(Nobody can beat me|I always win|You are all so slow)!" {F.n} said.
{Day} there was a race {L.to}. {H.n} wanted to run too. {F.n} laughed. "(You? You are much too slow!|You will still be running at night!|With those legs?)" {F.he} said.
/ "Ready, steady, go!" called {E.a}, and they ran. Soon {F.n} was far ahead, and {H.n} was the last of all.
? But {H.n} went on, one step after the other.
On the way, {H.n} saw (a little bird that had fallen from its nest|a beetle lying on its back|an ant that could not cross a puddle). {H.he} stopped and helped it, although it cost {H.him} time.
/ Meanwhile, {F.n} (lay down for a nap|stopped to look at {F.himself} in the water|took a wrong turn, because {F.he} did not look at the signs). "(I have plenty of time|I have already won)," {F.he} thought.
When {H.n} came past, (the birds sang to show {H.him} the short way|everybody began to cheer|{F.n} did not notice at all). {H.n} ran as fast as {H.he} could and crossed the line first!
{F.n} could not believe it. "You won," {F.he} said at last. "(I was too proud|I am sorry that I laughed|Next time I will not laugh)." {H.n} held out {H.his} hand. "(It was a good race|Let us run together next time|Come, let us have some cake)," {H.he} said.
""", questions="""
Who won the race? = {H.n} won the race.
Who was proud? = {F.n} was proud.
Why did {F.n} lose? = {F.n} lost because {F.he} was too sure of winning.
Who started the race? = {E} started the race.
Where did the race go? = The race went {L.to}.
""", moral="it is not wise to be too proud")

schema("wish", titles="The Falling Star|{H.n} Makes a Wish|Three Wishes", beats="""
{Night} {H.n} saw a star fall from the sky. It fell (softly|with a little whistle) {L.in}. {H.n} ran to look.
There, in the grass, lay a little star. "(Help me back into the sky, and you may have one wish|If you help me, I will give you one wish)," said the star in a (bright|small|silver) voice.
/ {H.n} thought hard. {H.he} could wish for (a mountain of cake|a golden house|a ship with white sails). {H.he} could wish for (wings|a bag of gold|a crown).
Then {H.he} thought of {F.n}, {H.his} best friend, who had been (ill for a long time|so sad since the winter). "(I wish that {F.n} will be well again|I wish that {F.n} could laugh again)," said {H.n}.
The star was silent. Then it (shone so brightly that it hurt the eyes|glowed warm and gold). "That is a good wish," it said.
/ {H.n} (climbed the highest hill|climbed the tallest tree) and (threw the star up|held the star up) as high as {H.he} could. Up it went, up and up, until it was (a tiny light|back among its sisters).
The next morning, there was a knock at the door. It was {F.n}, (laughing and dancing|with red cheeks and bright eyes)! "(I feel so well today|I woke up and felt happy|Let us play outside)!" {F.he} said.
? {H.n} never told anybody about the wish.
And every night, one little star (winked at {H.n}|shone a bit brighter than the others) above the house.
""", questions="""
What fell from the sky? = A star fell from the sky.
Where did the star fall? = The star fell {L.in}.
What did {H.n} wish for? = {H.n} wished that {F.n} would be well and happy.
Who was {H.n}'s best friend? = {F.n} was {H.n}'s best friend.
How did {H.n} help the star? = {H.n} helped the star back into the sky.
""", moral="the best wish is one for somebody else")

schema("lost_way", hero=("child", "forest", "farm", "water", "royal", "small"), titles="Lost in the Fog|The Way Home|{H.n} Gets Lost", beats="""
{Day} {H.n} followed (a butterfly|a blue bird|a pretty sound) {L.to}. {H.he} did not look where {H.he} was going.
When {H.he} turned around, (fog was everywhere|everything looked strange|the path was gone). "(Where am I?|Which way is home?)" {H.he} (asked|whispered).
{H.he} walked (left|in one direction), and then (right|in another). But every (tree|stone|bush) looked the same. {H.n} sat down and (cried a little|tried not to cry).
/ "Why are you crying?" asked a voice. It was {E.a}. "I am lost," said {H.n}. "(Then close your eyes and listen|Do not run. Be still and listen)," said {E}. "(What do you hear?|Tell me what you hear.)"
{H.n} listened. "I hear (water|the stream|a brook)," {H.he} said. "(Good|Very good)," said {E}. "(Water runs down to the valley|The water runs past your home). (Follow it|Walk along the water), and you will find your way."
/ {H.n} thanked {E} and followed the water. (It sang and splashed beside {H.him}.|It ran over stones and under roots.) (After a while|Before long), {H.he} saw (a light in a window|smoke from a chimney|the roof of {H.his} home).
{M.n} was standing at the door. "(There you are!|I was so worried!)" {M.he} cried and (hugged {H.him}|held {H.him} tight).
? That night, they had hot soup and warm bread.
And {H.n} never forgot (what {E} had said|to listen when {H.he} was lost).
""", questions="""
Why did {H.n} get lost? = {H.n} got lost because {H.he} did not look where {H.he} was going.
Who helped {H.n}? = {E} helped {H.n}.
What did {H.n} hear? = {H.n} heard water.
How did {H.n} find the way home? = {H.n} followed the water home.
Who was waiting at the door? = {M.own} was waiting at the door.
""", moral="when you are lost, be still and listen")

schema("egg", hero=("child", "forest", "farm", "far", "fantasy", "royal", "water"), titles="The Blue Egg|{H.n} Finds an Egg|The Egg in the Grass", beats="""
{Day} {H.n} found (a blue|a small white|a spotted|a big green) egg {L.in}. There was no nest and no mother bird.
"(You must be cold|You cannot stay here alone|Poor little egg)," said {H.n}. {H.he} (wrapped it in a scarf|put it in a soft hat|carried it home with great care) and kept it warm.
? {F.a} laughed at {H.him}. "(It is only an egg|You cannot hatch an egg)," {F.he} said. But {H.n} did not listen.
{H.he} (talked to it|sang to it|told it stories) every day and slept beside it every night.
/ Then, one morning, there was a sound. Tap, tap, tap! The egg (cracked|began to shake), and out came (a tiny bird with wet feathers|a little yellow duckling|a small gray bird).
"(Peep!|Peep, peep!)" it said and looked at {H.n} with round eyes.
{H.n} (fed it crumbs|gave it seeds and water) and taught it to (hop|swim in a bowl). It followed {H.him} everywhere.
/ When autumn came, the birds flew south. The little bird (looked up at the sky|grew restless). {H.n} was sad, but {H.he} said, "(You must fly with them|Your wings are strong now|It is time for you to go)."
The bird flew in a circle above {H.his} head, and then it was gone. All winter, {H.n} (waited|thought of it).
And on the first day of spring, (there was a tap at the window|something tapped on the window). Tap, tap, tap! The bird had come back.
""", questions="""
What did {H.n} find? = {H.n} found an egg.
Where did {H.n} find the egg? = {H.n} found the egg {L.in}.
What came out of the egg? = A little bird came out of the egg.
When did the bird come back? = The bird came back in spring.
Why did the bird leave? = The bird left because the birds flew south in autumn.
""", moral="those whom we love come back to us")

schema("snow", hero=("child", "forest", "farm", "royal", "fantasy", "trade"), titles="The Snowman|{H.n} and the Snowman|The First Snow", things=("wear",), beats="""
When {H.n} woke up, the world was white. It had snowed all night! {H.n} (ran outside|put on warm boots and ran out|could not wait to go out).
{H.he} began to build a snowman. {H.he} rolled one big ball and one small ball. (But the small ball was too heavy to lift.|But {H.he} could not lift the small ball onto the big one.)
/ "(Shall I help you?|Do you need help?|May I help?)" asked {F.a}. "Yes, please," said {H.n}. Together, they lifted the ball. One, two, three, and up!
They gave the snowman (a carrot for a nose|two black stones for eyes|a smile made of pebbles) and (arms made of branches|buttons made of nuts).
"(He looks cold|Something is missing)," said {F.n}. So {H.n} gave him {O.a}. (Now he looked like a king.|Now the snowman was perfect.)
? They danced around him and sang a winter song.
/ In the evening, {H.n} looked out of the window. "(Good night, snowman|Sleep well, snowman)," {H.he} said. And it looked as if the snowman (nodded|smiled|winked).
(Days later|A week later), the sun came back, and the snowman (grew smaller and smaller|melted away). Only the {O} was left. {H.n} was sad. "(He will come back with the next snow|He went to the river, and then to the sea|He will be a cloud soon)," said {F.n}.
{H.n} (smiled|felt better). {H.he} kept the {O.full} in a safe place, ready for the next winter.
""", questions="""
What did {H.n} build? = {H.n} built a snowman.
Who helped {H.n}? = {F.n} helped {H.n}.
What did {H.n} give the snowman? = {H.n} gave the snowman {O.a}.
Why did the snowman melt? = The snowman melted because the sun came back.
What was left of the snowman? = Only the {O} was left.
""", moral="what melts will come back with the next snow")

schema("bedtime", hero=("child", "forest", "farm", "bird", "water", "far", "small"), titles="{H.n} Cannot Sleep|Good Night, {H.n}|The Sleepy Moon", beats="""
It was late, but {H.n} could not sleep. {H.he} (turned to the left and to the right|counted to one hundred|closed {H.his} eyes, but they opened again).
{H.he} went to {M.n}. "I cannot sleep," {H.he} said. "(Drink some warm milk|Think of something nice|Count the stars)," said {M.n}. {H.n} tried it, but {H.he} was still awake.
/ Then {H.he} heard somebody crying softly outside. It was {F.a}. "(I cannot sleep|I had a bad dream|I miss my mother)," said {F.n}.
"(I cannot sleep either|Neither can I)," said {H.n}. "(Come and sit with me|Let us look at the moon together)." They sat down side by side {L.in} and looked up at the moon.
{H.n} began to tell a story about (a ship that sailed to the moon|a cloud that was made of wool|a fish that wanted to fly). It was a long and quiet story.
? A soft wind moved the leaves.
/ {F.n} (yawned|put {F.his} head on {H.n}'s shoulder). {H.n} yawned too. (The story became slower and slower.|The words became softer and softer.)
And before {H.n} came to the end, they were both fast asleep. The moon (smiled down on them|pulled a cloud over itself like a blanket).
""", questions="""
Why did {H.n} go to {M.n}? = {H.n} could not sleep.|{H.he} could not sleep.
Who else could not sleep? = {F.n} could not sleep either.
Where did they sit? = They sat {L.in}.
What did {H.n} do for {F.n}? = {H.n} told {F.n} a story.
How does the story end? = In the end, both of them fell asleep.
""", moral="a quiet story helps two friends to sleep")

schema("journey", things=("tool",), hero=("child", "forest", "farm", "fantasy", "royal", "trade", "far", "water"), titles="The Long Way to the Sea|{H.n} Goes to the Sea|The Journey", beats="""
{H.n} had never seen the sea. "(How big is it?|What does it sound like?)" {H.he} asked everybody. But nobody knew.
{Day} {H.n} packed (some bread, a bottle of water|a small bag, some apples) and {O.a}, and set out.
/ First, {H.he} came to a (wide river|deep river). There was no bridge. {F.a} (sat|was sitting) on the bank. "I want to see the sea too," said {F.n}, "(but I cannot cross alone|but I am afraid of the water)."
"(Then let us go together|Come with me)," said {H.n}. They (made a raft out of old logs|found a place where the water was low) and crossed the river. (The {O} was a great help.|{H.n} was glad that {H.he} had the {O}.)
? Then they came to a dark wood, and they sang to keep up their spirits.
/ Next, they came to a high mountain. They climbed (all day|for two days). (Their legs hurt|It was cold), and {F.n} wanted to go back. "(Only a few more steps|Look how far we have come)," said {H.n}.
At the top, they stopped. There, far below, something (blue|silver|huge) was shining in the sun. It went on and on, all the way to the sky. "(The sea!|It is the sea!)" they (cried|shouted).
They ran down to the beach and put their feet in the water. It was (cold and salty|bigger than anything they had ever seen). "(It sounds like the wind in the trees|It sounds like somebody breathing)," said {H.n}.
They stayed until the stars came out. Then {H.n} filled a little bottle with sand, to (show it to {M.n}|remember it forever).
""", questions="""
What did {H.n} want to see? = {H.n} wanted to see the sea.
Who went with {H.n}? = {F.n} went with {H.n}.
What did they cross first? = First, they crossed a river.
What did {H.n} take along? = {H.n} took {O.a} along.
Who wanted to go back? = {F.n} wanted to go back.
""", moral="a long way is shorter with a friend")

schema("kind_chain", things=("food", "tool"), titles="One Kind Thing|{H.n} Helps Everybody|The Kind {H.kind}", beats="""
{Day} {H.n} was on {H.his} way {L.to} with {O.a}.
On the road, {H.he} met {F.a}. "(I am so hungry|I have had nothing to eat today)," said {F.n}. {H.n} gave {F.him} half of the {O}. {F.n} was glad and gave {H.n} {Q.a}. "(You may need it|Take this)," {F.he} said.
/ A little later, {H.n} met {E.a}, who had fallen into a (hole|ditch|pit). "Help me out!" cried {E}. {H.n} (used the {Q} to help|held out the {Q} and pulled), and soon {E} was free.
"(You are kind|I will not forget this)," said {E}. "(If you need me, call me|Call me when you are in trouble)."
/ When {H.n} came {L.to}, (it was getting dark|the night came) and {H.he} could not find the way. {H.he} (called out|called as loud as {H.he} could). At once, {E} came and showed {H.him} the way. And there was {F.n} too, with a (bright lamp|little light)!
"(You helped us|You were kind to us)," they said, "(and now we help you|so now it is our turn)."
They walked home together, and {H.n} thought, "(One kind thing leads to another|A kind deed goes around and comes back)."
""", questions="""
What did {H.n} give to {F.n}? = {H.n} gave {F.n} half of the {O}.
What did {F.n} give to {H.n}? = {F.n} gave {H.n} {Q.a}.
Who had fallen into a hole? = {E} had fallen in.
Where was {H.n} going? = {H.n} was going {L.to}.
Why did they help {H.n}? = They helped {H.n} because {H.he} had been kind to them.
""", moral="one kind thing leads to another")

schema("small_big", friend_kinds=("lion", "tiger", "elephant", "giraffe", "giant", "dragon", "troll", "camel"), hero=("small", "forest", "bird", "water"), titles="The {F.kind} and the {H.kind}|Small but Strong|{H.n} Saves the Day", beats="""
{F.a} was the biggest of all. {H.n} was (one of the smallest|very small). "(What can somebody so small do?|You are too small to be of any use)," said {F.n} and (laughed|yawned).
? {H.n} did not answer. {H.he} only smiled.
/ {Day} {F.n} was walking {L.in} when (a net fell over {F.him}|{F.he} stepped into a trap made of rope). The more {F.he} pulled, the tighter it became. "Help! Help!" {F.he} roared.
{H.n} heard it and came as fast as {H.he} could. "(I will help you|Hold still)," said {H.n}. "You?" said {F.n}. "(But you are so small|How can you help me)?"
{H.n} did not waste any time. {H.he} (bit through one rope|loosened one knot), and then another, and another. It took (all night|a long time). When the sun rose, {F.n} was free!
/ "(I was wrong|Forgive me)," said {F.n}. "(You are small, but your heart is big|Small friends can be great friends)." "(And big friends are good against the wind|Everybody can help somebody)," said {H.n}.
From that day on, {H.n} often rode on {F.n}'s back, and (nobody laughed at {H.him} again|they went everywhere together).
""", questions="""
Who was big? = {F.n} was big.
Who was small? = {H.n} was small.
Who saved {F.n}? = {H.n} saved {F.n}.
Where was {F.n} caught? = {F.n} was caught {L.in}.
Why did {F.n} need help? = {F.n} was caught in a trap.
""", moral="even the smallest can help the biggest")

schema("boat", hero=("child", "forest", "farm", "fantasy", "royal", "trade", "far"), titles="The Little Boat|{H.n} Builds a Boat|The Boat with the {F.adjective} Sail", beats="""
{H.n} wanted to sail to the little island in the middle of (the lake|the bay). So {H.he} built a boat out of (old boards|a big barrel|a wash tub).
{Day} it was ready. {H.n} (pushed it into the water|climbed in and rowed away). At first, all went well. But then {H.n}'s feet were wet. There was a hole in the boat!
"(Help! I am sinking!|Help me!)" {H.he} called.
/ {F.a} heard {H.him} and (swam|came) as fast as {F.he} could. {F.he} (pushed|pulled) the boat back to the shore. "(You need to close the hole|That hole is bigger than a plum)," said {F.n}. "(Let me show you how|I know what to do)."
They closed the hole with (wax|tar and cloth|a round piece of wood). Then they made a sail out of (an old shirt|a blue blanket|a white sheet).
? "A good boat needs a good name," said {F.n}. They called it the {ship}.
/ This time, the boat did not leak. The wind filled the sail, and they (flew over the water|sailed across the waves). On the island, they found (sweet berries|a field of white flowers|a cave full of shells), and nobody else was there.
"(This is our island now|We will come back every summer)," said {H.n}. And {F.n} (laughed and splashed {H.him}|nodded happily).
""", questions="""
What did {H.n} build? = {H.n} built a boat.
Why did the boat sink? = The boat began to sink because there was a hole in it.
Who saved {H.n}? = {F.n} saved {H.n}.
Where did {H.n} want to go? = {H.n} wanted to go to the little island.
Where was the hole? = The hole was in the boat.
""", moral="a mistake can be mended with help")

schema("robot", hero=("fantasy",), titles="The {H.kind} Who Could Not Laugh|{H.n} Learns to Laugh", beats="""
{H.n} could do many things. {H.he} could (carry heavy stones|mend clocks|open any door). But there was one thing that {H.he} could not do. {H.he} could not laugh.
"How does one laugh?" {H.n} asked {E.a}. "(It comes by itself|You cannot learn it from a book)," said {E}. "(Go and find somebody who makes you happy|Go out and look for it)."
/ {Day} {H.n} went {L.to}. {H.he} met {F.a}, who (was juggling apples|was trying to stand on one leg|wore a pot as a hat). "Can you teach me to laugh?" asked {H.n}.
{F.n} told {H.him} a joke. {H.n} did not laugh. {F.n} made a face. {H.n} only (blinked|looked puzzled).
? {F.n} tickled {H.him} with a feather. Nothing happened.
/ Then {F.n} stepped back, (slipped on a pear|tripped over a root), and fell into a big puddle. Splash! {F.he} sat there with a (leaf|frog) on {F.his} head.
{H.n} felt something strange. It began in {H.his} belly and went up and up. "Ha," said {H.n}. "Ha, ha! Ha, ha, ha!"
"(You are laughing!|That is it!)" cried {F.n}, and {F.he} began to laugh too. They laughed until (they had to hold on to each other|the birds came to look).
""", questions="""
What could {H.n} not do? = {H.n} could not laugh.
Who made {H.n} laugh? = {F.n} made {H.n} laugh.
Why did {H.n} laugh? = {H.n} laughed because {F.n} fell into a puddle.
Where did {H.n} meet {F.n}? = {H.n} met {F.n} {L.in}.
Who gave {H.n} advice? = {E} gave {H.n} advice.
""", moral="laughing is best with a friend")

schema("paint", hero=("child", "trade", "forest", "farm", "royal", "bird"), titles="The Gray Village|{H.n} Paints the Wall|A Wall Full of Colors", beats="""
In the place where {H.n} lived, everything was gray. The houses were gray, the doors were gray, and nobody (smiled|sang) much.
{Day} {H.n} found (a box of paint|three pots of paint|a box of colors) {L.in}. There was red, yellow and blue. "(What shall I paint?|This is just what we need!)" {H.he} said.
First, {H.he} painted (a yellow sun|a big red flower|a blue bird) on {H.his} own door.
/ {F.a} walked by and stopped. "What are you doing? Doors must be gray!" {F.he} said (in a cross voice|and shook {F.his} head). "Why?" asked {H.n}. {F.n} (thought and thought|opened {F.his} mouth and closed it again). "(I do not know|Nobody ever told me)," {F.he} said.
"What is your favorite color?" asked {H.n}. "(Green|Orange|Purple)," said {F.n} very softly. So {H.n} (mixed two colors|stirred the pots) and gave {F.him} a brush.
/ Soon {F.n} was painting too. Then (the baker came|two neighbors came), and then (the whole street|everybody) wanted a brush.
? {M.n} painted the fence with tiny stars.
By the evening, there was not one gray wall left. (Everybody stood in the street and smiled.|It looked as if a rainbow had come to stay.) And {F.n} said, "(I think doors should never be gray|How could we live without it)!"
""", questions="""
What did {H.n} find? = {H.n} found paint.
Where did {H.n} find the paint? = {H.n} found the paint {L.in}.
What color was everything at first? = At first, everything was gray.
Who stopped and asked questions? = {F.n} stopped and asked what {H.n} was doing.
How did the village change? = In the end, everything was full of colors.
""", moral="a little color can change a whole place")

schema("trade", things=("toy", "treasure"), titles="The Trade|{H.n} at the Market|A Good Trade", beats="""
{H.n} had {O.a} that {H.he} did not need any more. {Day} {H.he} took it to the market.
/ The first one {H.he} met was a (farmer|sailor|baker). "I will give you a (bag of corn|fat fish|warm loaf) for it," the man said. {H.n} shook {H.his} head. "(No, thank you|That is kind, but no)," {H.he} said.
Then {H.n} saw {Q.a}. It was (the most beautiful thing at the market|just what {H.he} had always wanted). It belonged to {F.a}.
"Would you trade it for my {O}?" asked {H.n}. {F.n} looked at the {O.full} for a long time. "(I had one just like it when I was small|My little brother would love it|I have always wanted one)," {F.he} said. "But is it a fair trade?"
? They put both things side by side on the table and looked at them.
/ "(It is fair if both of us are happy|If we are both glad, it is fair)," said {H.n}. {F.n} smiled, and they shook hands.
{H.n} went home with the {Q}, and {F.n} went home with the {O}. (Both of them thought that they had made the best trade in the world.|And both of them sang all the way.)
""", questions="""
What did {H.n} take to the market? = {H.n} took {O.a} to the market.
What did {H.n} get? = {H.n} got {Q.a}.
Who traded with {H.n}? = {F.n} traded with {H.n}.
Where did {H.n} go? = {H.n} went to the market.
Was it a fair trade? = Yes, it was fair, because both of them were happy.
""", moral="a trade is fair if both are happy")

schema("spring", hero=("child", "forest", "farm", "far", "fantasy", "royal", "trade"), titles="The Dry Summer|{H.n} and the Well|Rain at Last", beats="""
It was a hot summer, and it had not rained for (weeks|forty days|a long time). (The stream|The pond|The river) was dry, and everybody was thirsty.
? The flowers hung their heads.
"(Somebody must find water|We need water)," said {E.a}. "(I will go|Let me try)," said {H.n}. "You? (You are too young|You do not know the way)!" said {F.a}. But {H.n} went anyway.
/ {H.he} walked {L.to} and looked for a place where the grass was still green. (At noon|After a long search), {H.he} found a small green spot between two stones. {H.n} began to dig.
{H.he} dug until {H.his} (paws|arms) hurt. Only dust came up. {H.he} was just about to stop when {F.n} came. "(I brought a spade|I should not have laughed)," said {F.n}. "Let us dig together."
/ They dug deeper and deeper. The earth became dark. Then it became wet. And then, all at once, clear water (bubbled up|jumped out of the ground)!
"Water! Water!" they shouted. Everybody came running and drank. {E} (nodded at {H.n}|drank for a very long time).
(They put a ring of stones around the place and called it the Little Well.|And that night, as if the sky had been waiting, it began to rain.)
""", questions="""
Why was everybody thirsty? = Everybody was thirsty because it had not rained for a long time.
Who found water? = {H.n} found water.
Where did {H.n} dig? = {H.n} dug {L.in}.
Who helped {H.n} to dig? = {F.n} helped {H.n} to dig.
What did {H.n} look for? = {H.n} looked for water.
""", moral="if you keep digging, you may find water")
