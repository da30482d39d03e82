"""Short questions with short answers: a little knowledge of the world, small sums, and honest "I do not know".

A fact is one line: questions divided by "|", " = ", answers divided by "|".
"""

from grammar import check_split, expand

FACTS = """
Why is the sky blue?|Why does the sky look blue?|What makes the sky blue? = The sky is blue because sunlight is made of many colors, and the air scatters blue light more than the others.
Why is grass green?|Why are leaves green? = Leaves and grass are green because they hold a green substance that catches the light of the sun.
Why does it rain?|Where does rain come from?|What makes rain? = Water rises into the air, cools down and becomes clouds. When the drops are heavy enough, they fall as rain.
Why is snow white? = Snow is white because its many tiny crystals send back all the colors of light.
What is snow?|What is snow made of? = Snow is made of tiny crystals of frozen water.
Why is the sea salty?|Why is the ocean salty? = The sea is salty because rivers carry a little salt from the rocks into it.
Why do birds fly south?|Why do birds fly away in winter? = Many birds fly south in winter because it is warmer there and they find more food.
Why do leaves fall?|Why do trees lose their leaves?|Why do leaves fall in autumn? = Many trees drop their leaves in autumn to save water during the cold winter.
Why do we sleep?|Why do people need sleep? = We sleep so that our body and our mind can rest.
Why do we eat?|Why do we need food? = We eat because food gives us energy and helps us to grow.
Why is ice cold? = Ice is cold because it is frozen water.
Why do cats purr? = Cats often purr when they feel calm and happy.
Why do bees buzz? = Bees buzz because their wings beat very fast.
Why do dogs bark? = Dogs bark to warn, to greet or to call for attention.
Why does the moon shine?|Why does the moon glow? = The moon shines because it reflects the light of the sun.
Why is the sun hot?|Why does the sun shine? = The sun is a star. Deep inside it, hydrogen becomes helium, and that makes heat and light.
What is the sun? = The sun is a star. It gives us light and heat.
What is the moon? = The moon is a ball of rock that goes around the earth.
What is a star?|What are stars? = A star is a huge ball of hot gas that gives off light.
What is the earth?|What is Earth? = The earth is the planet on which we live.
What is a cloud?|What are clouds made of? = A cloud is made of very small drops of water.
What is a rainbow?|How does a rainbow form?|What makes a rainbow? = A rainbow forms when raindrops split the light of the sun into its colors.
What is thunder? = Thunder is the sound that lightning makes when it heats the air.
What is lightning? = Lightning is a giant electric spark in the sky.
What is wind?|Why does the wind blow? = Wind is moving air. It blows because the sun warms some places more than others.
What is water made of? = Water is made of hydrogen and oxygen.
What is ice? = Ice is frozen water.
What is fog? = Fog is a cloud that touches the ground.
What is a volcano? = A volcano is a mountain from which hot melted rock can come out.
What is a desert? = A desert is a dry place where it hardly ever rains.
What is an island? = An island is land with water all around it.
What is a river? = A river is a long stream of water that flows to a lake or to the sea.
What is honey?|Who makes honey?|How is honey made? = Bees make honey from the nectar of flowers.
What is bread made of? = Bread is made of flour, water, salt and often yeast.
What is cheese made of? = Cheese is made of milk.
What is paper made of? = Paper is mostly made of wood.
What is glass made of? = Glass is made of melted sand.
Where does milk come from? = Milk comes from cows, goats and other animals.
Where does wool come from? = Wool comes from sheep.
Where do fish live? = Fish live in water.
Where do penguins live? = Most penguins live in the cold south of the world.
Where do bears live? = Many bears live in forests and mountains.
Where does the sun rise? = The sun rises in the east.
Where does the sun set? = The sun sets in the west.
What do cows eat?|What do sheep eat? = They eat grass.
What do rabbits eat? = Rabbits eat grass, leaves and roots.
What do bees eat? = Bees eat nectar and pollen from flowers.
What do plants need?|What do plants need to grow? = Plants need light, water and air.
How many days are in a week?|How many days are there in a week? = There are seven days in a week.
How many months are in a year?|How many months does a year have? = There are twelve months in a year.
How many days are in a year?|How many days does a year have? = A year has 365 days, and a leap year has 366.
How many hours are in a day?|How many hours does a day have? = There are 24 hours in a day.
How many minutes are in an hour? = There are 60 minutes in an hour.
How many seconds are in a minute? = There are 60 seconds in a minute.
How many legs does a spider have? = A spider has eight legs.
How many legs does a dog have?|How many legs does a cat have?|How many legs does a horse have? = It has four legs.
How many legs does a bird have? = A bird has two legs.
How many legs does an ant have?|How many legs does a bee have?|How many legs do insects have? = Insects have six legs.
How many wheels does a bicycle have? = A bicycle has two wheels.
How many wheels does a car have? = A car has four wheels.
How many sides does a triangle have? = A triangle has three sides.
How many sides does a square have? = A square has four sides.
How many colors are in a rainbow?|How many colors does a rainbow have? = A rainbow is said to have seven colors.
How many planets are there?|How many planets are in the solar system? = There are eight planets in the solar system.
How many letters are in the alphabet? = The English alphabet has 26 letters.
How many fingers do people have?|How many fingers do I have? = Most people have ten fingers.
How many continents are there? = There are seven continents.
What are the days of the week?|Name the days of the week. = The days of the week are Monday, Tuesday, Wednesday, Thursday, Friday, Saturday and Sunday.
What are the seasons?|What are the four seasons?|Name the seasons. = The four seasons are spring, summer, autumn and winter.
What are the months of the year?|Name the months. = The months are January, February, March, April, May, June, July, August, September, October, November and December.
What are the colors of the rainbow?|Name the colors of the rainbow. = Red, orange, yellow, green, blue, indigo and violet.
What are the primary colors? = The primary colors of paint are red, yellow and blue.
What is the first month of the year? = The first month is January.
What is the last month of the year? = The last month is December.
What is the first day of the week? = In many countries, the week begins on Monday.
What is the biggest animal?|What is the largest animal in the world? = The blue whale is the largest animal.
What is the tallest animal? = The giraffe is the tallest animal.
What is the fastest animal?|What is the fastest animal on land? = On land, the cheetah is the fastest animal.
What is the highest mountain?|What is the tallest mountain in the world? = Mount Everest is the highest mountain.
What is the largest ocean?|What is the biggest ocean? = The Pacific is the largest ocean.
What is the largest planet?|What is the biggest planet? = Jupiter is the largest planet.
What is the hottest season? = Summer is the hottest season.
What is the coldest season? = Winter is the coldest season.
What is the opposite of {x}? = The opposite of {x} is {y}.|{y}. @opposite
What is the capital of {x}?|Which city is the capital of {x}?|Tell me the capital of {x}. = The capital of {x} is {y}.|{y} is the capital of {x}. @capital
What color is {x}?|What color are {x}? = It is {y}. @color
What sound does a {x} make?|What does a {x} say? = A {x} says "{y}". @sound
What is a baby {x} called?|What do you call a young {x}? = A young {x} is called a {y}. @baby
What day comes after {x}?|Which day comes after {x}?|What day is after {x}? = {y} comes after {x}. @after
What day comes before {x}?|Which day comes before {x}? = {y} comes before {x}. @before
What month comes after {x}?|Which month comes after {x}? = {y} comes after {x}. @month
What does a {x} do?|What is the work of a {x}? = A {x} {y}. @job
What is a {x}? = A {x} is {y}. @is
What is a {x} for?|What do you do with a {x}?|What is a {x} used for? = You use a {x} to {y}. @use
"""

TABLES = {
    "opposite": "hot:cold cold:hot big:small small:big up:down day:night night:day left:right right:left wet:dry "
                "old:new young:old happy:sad sad:happy fast:slow slow:fast light:dark dark:light open:closed "
                "high:low early:late full:empty hard:soft loud:quiet strong:weak tall:short good:bad "
                "long:short rich:poor near:far clean:dirty black:white heavy:light sweet:sour thick:thin true:false",
    "capital": "France:Paris Germany:Berlin Italy:Rome Spain:Madrid Portugal:Lisbon England:London Ireland:Dublin "
               "Scotland:Edinburgh Austria:Vienna Greece:Athens Norway:Oslo Sweden:Stockholm Denmark:Copenhagen "
               "Finland:Helsinki Poland:Warsaw Hungary:Budapest Russia:Moscow Ukraine:Kyiv Japan:Tokyo China:Beijing "
               "India:New_Delhi Egypt:Cairo Kenya:Nairobi Canada:Ottawa Mexico:Mexico_City Brazil:Brasília "
               "Argentina:Buenos_Aires Chile:Santiago Peru:Lima Cuba:Havana Australia:Canberra New_Zealand:Wellington "
               "Belgium:Brussels Switzerland:Bern the_Netherlands:Amsterdam Turkey:Ankara Thailand:Bangkok "
               "South_Korea:Seoul Vietnam:Hanoi the_United_States:Washington,_D.C.",
    "color": "grass:green the_sky:blue snow:white a_lemon:yellow a_banana:yellow a_strawberry:red a_tomato:red "
             "coal:black a_carrot:orange milk:white the_sun:yellow a_frog:often_green a_cherry:red blood:red "
             "an_orange:orange a_pumpkin:orange chocolate:brown an_elephant:gray a_fox:often_red",
    "sound": "dog:woof cat:meow cow:moo duck:quack sheep:baa pig:oink horse:neigh frog:ribbit bee:buzz mouse:squeak "
             "rooster:cock-a-doodle-doo owl:hoot lion:roar crow:caw hen:cluck snake:hiss",
    "baby": "dog:puppy cat:kitten cow:calf sheep:lamb horse:foal duck:duckling goose:gosling frog:tadpole bear:cub "
            "fox:cub deer:fawn goat:kid swan:cygnet kangaroo:joey hen:chick lion:cub",
    "after": "Monday:Tuesday Tuesday:Wednesday Wednesday:Thursday Thursday:Friday Friday:Saturday Saturday:Sunday "
             "Sunday:Monday",
    "before": "Tuesday:Monday Wednesday:Tuesday Thursday:Wednesday Friday:Thursday Saturday:Friday Sunday:Saturday "
              "Monday:Sunday",
    "month": "January:February February:March March:April April:May May:June June:July July:August August:September "
             "September:October October:November November:December December:January",
    "job": "baker:bakes_bread farmer:grows_food_and_keeps_animals teacher:helps_others_to_learn doctor:helps_sick_people "
           "sailor:works_on_a_ship painter:paints_pictures_or_walls gardener:takes_care_of_plants "
           "shepherd:takes_care_of_sheep tailor:makes_clothes fisherman:catches_fish firefighter:puts_out_fires "
           "pilot:flies_planes cook:makes_meals writer:writes_books judge:decides_in_a_court "
           "clockmaker:makes_and_mends_clocks carpenter:builds_things_out_of_wood nurse:cares_for_sick_people",
    "is": "fox:a_small_wild_animal_with_red_fur_and_a_bushy_tail dog:an_animal_that_often_lives_with_people "
          "cat:a_small_animal_that_often_lives_with_people tree:a_tall_plant_with_a_trunk_of_wood "
          "book:something_to_read,_with_many_pages house:a_building_in_which_people_live boat:something_that_swims_on_water "
          "bee:an_insect_that_makes_honey whale:a_very_big_animal_that_lives_in_the_sea owl:a_bird_that_is_awake_at_night "
          "forest:a_place_with_many_trees kite:a_light_toy_that_flies_in_the_wind frog:a_small_animal_that_lives_near_water "
          "poem:a_text_with_rhythm_and_often_with_rhymes friend:somebody_who_likes_you_and_helps_you "
          "story:a_tale_about_somebody_and_what_happened computer:a_machine_that_follows_instructions "
          "robot:a_machine_that_can_do_work_by_itself linnet:a_small_brown_songbird planet:a_large_round_body_that_goes_around_a_star "
          "lake:water_with_land_all_around_it mountain:a_very_high_hill castle:a_big_old_house_with_thick_walls "
          "dragon:a_big_animal_in_stories_that_often_breathes_fire fairy:a_small_magic_person_in_stories "
          "language_model:a_program_that_guesses_the_next_word,_again_and_again token:a_small_piece_of_text",
    "use": "hammer:drive_nails_into_wood key:open_a_lock spoon:eat_soup umbrella:stay_dry_in_the_rain rope:tie_or_pull_things "
           "pen:write lamp:make_light clock:tell_the_time ladder:climb_up_high broom:sweep_the_floor spade:dig_in_the_ground "
           "map:find_the_way compass:find_north bell:make_a_sound bed:sleep cup:drink knife:cut_things net:catch_fish",
}

# Questions that a model of this size cannot answer: the corpus teaches it to say so.
UNKNOWN = (
    "(Who|Which company) (invented|discovered|built|designed) the {thing}?", "Who wrote the (book|song|play) about {thing}s?",
    "Who is {person}?", "When was {person} born?", "What did {person} do in {year}?", "Where does {person} live?",
    "What happened in {year}?", "Who won the (election|world cup|race|prize|match) in {year}?",
    "What is the population of {country}?", "How (far|long) is it from {country} to {country2}?",
    "What is the (price|weight|cost) of a {thing}?", "How do I (install|repair|sell|buy|clean|build) a {thing}?",
    "How much does a {thing} cost?", "What is the weather (like|) (today|tomorrow|in {country})?", "Will it rain tomorrow?",
    "What time is it?", "What is the date today?", "What day is it today?", "What is the best (film|book|restaurant|phone|{thing})?",
    "Can you book a (flight|table|hotel|train) for me?", "Send a message to {person}.", "What is {big} (times|plus|minus|divided by) {big2}?", "{big} (+|-|*|/) {big2} =", "What is {big} (+|-|*) {big2}?",
    "What is the square root of {big}?", "Translate this into (French|German|Spanish|Chinese).",
    "Write (a program|some code|a function|a script) (in {language}|for me|that sorts numbers).", "Explain {science}.",
    "What is {science}?", "How does {science} work?", "What do you think about (politics|{person}|the war|money)?",
    "Who is the (president|king|queen|leader) of {country}?", "What is the news today?", "What is my name?",
    "Where am I?", "How old am I?", "Summarize the history of {country}.", "What is the meaning of life?",
    "Which (stocks|shares) should I buy?", "What medicine should I take?", "Can you solve this (equation|integral) for me?",
)
UNKNOWN_WORDS = {
    "thing": "telephone steam engine|radio|bicycle|camera|piano|airplane|computer|laptop|washing machine|microscope|"
             "satellite|guitar|clock|printer|car|tractor|submarine|violin|battery|elevator|television|router|toaster|"
             "train|drone|engine|telescope|fridge|helicopter|rocket".replace("telephone ", "telephone|").split("|"),
    "person": "John Smith|Marie Curie|Napoleon|Shakespeare|Einstein|Mozart|the queen of England|Cleopatra|Darwin|"
              "Leonardo|Galileo|Beethoven|Newton|the mayor|your creator|the first man on the moon|Julius Caesar|"
              "Picasso|Plato|Gandhi|Michael Jordan|Taylor|Mr. Brown|Dr. Miller|my neighbor".split("|"),
    "year": "1492 1789 1815 1848 1914 1945 1969 1989 1999 2001 2008 2012 2016 2020 2022 2024".split(),
    "country": "France|Germany|Japan|Brazil|China|India|Canada|Kenya|Egypt|Peru|Norway|London|New York|Texas|Africa|"
               "Europe|Mars|Rome|Tokyo|Iceland|Mexico".split("|"),
    "big": [str(n) for n in (37, 48, 53, 64, 77, 89, 112, 144, 256, 365, 499, 512, 731, 999, 1024, 2048)],
    "language": "Python|C++|Java|Rust|Go|JavaScript".split("|"),
    "science": "quantum mechanics|general relativity|photosynthesis|inflation|machine learning|a black hole|DNA|"
               "evolution|the stock market|nuclear power|a transformer|blockchain|gravity|a neural network|"
               "electricity|the immune system|calculus|climate change|an electric motor|a compiler".split("|"),
}
HONEST = (
    "I do not know. I am a very small model.", "I am sorry, I do not know that.", "I cannot say. I only know a few small things.",
    "That is too hard for me. I am a very small model.", "I do not know the answer to that. I am better at little stories.",
    "I am too small to know that. Please ask a bigger model.",
)
NUMBER_WORDS = ("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
                "seventeen eighteen nineteen twenty").split()


def parse_facts():
    """The facts as (questions, answers): those of single lines, and those that the tables multiply out."""
    single, facts = [], []
    for line in FACTS.strip().splitlines():
        table = None
        if " @" in line:
            line, table = line.rsplit(" @", 1)
        questions, answers = (part.split("|") for part in line.split(" = "))
        if table is None:
            single.append((questions, answers))
            continue
        for pair in TABLES[table].split():
            x, y = (word.replace("_", " ") for word in pair.split(":"))
            plural = table == "color"
            fact_questions = [q.replace("{x}", x) for q in questions if not (plural and q.startswith("What color are"))]
            facts.append((fact_questions, [a.replace("{x}", x).replace("{y}", y) for a in answers]))
    return single, facts


SINGLE_FACTS, TABLE_FACTS = parse_facts()
PREFIXES = ("",) * 12 + ("Tell me: ", "Please tell me: ", "A question: ", "Do you know this? ")


def make_fact(rng, split=None):
    """A question about the world and its answer."""
    questions, answers = rng.choice(SINGLE_FACTS if rng.random() < 0.45 else TABLE_FACTS)
    question = rng.choice(PREFIXES) + expand(rng, rng.choice(questions), {})
    if rng.random() < 0.06:
        question = question[0].lower() + question[1:]
    if rng.random() < 0.05:
        question = question.rstrip("?.")
    return question, expand(rng, rng.choice(answers), {})


def make_sum(rng, split=None):
    """A small sum or difference of numbers up to twelve, to be learned by heart."""
    a, b = rng.randint(0, 12), rng.randint(0, 12)
    minus = rng.random() < 0.4
    if minus and b > a:
        a, b = b, a
    result = a - b if minus else a + b
    word, sign = ("minus", "-") if minus else ("plus", "+")
    form = rng.randrange(6)
    if form == 0:
        return "%d %s %d =" % (a, sign, b), str(result)
    if form == 1:
        return "What is %d %s %d?" % (a, sign, b), "%d %s %d is %d." % (a, word, b, result)
    if form == 2 and max(a, b, result) <= 20:
        return ("What is %s %s %s?" % (NUMBER_WORDS[a], word, NUMBER_WORDS[b]),
                ("%s %s %s is %s." % (NUMBER_WORDS[a], word, NUMBER_WORDS[b], NUMBER_WORDS[result])).capitalize())
    if form == 3 and not minus:
        return ("I have %d apples and get %d more. How many do I have?" % (a, b), "You have %d apples." % result)
    return "What is %d %s %d?" % (a, word, b), "%d %s %d is %d." % (a, word, b, result)


def make_unknown(rng, split=None):
    """A question that is too hard, and an honest answer."""
    picks = []
    question = expand(rng, rng.choice(UNKNOWN), UNKNOWN_WORDS, picks)
    check_split(split, "unknown", question)
    return question, rng.choice(HONEST)


def make_question(rng, split=None):
    """Any of the three."""
    kind = rng.random()
    if kind < 0.7:
        return make_fact(rng, split)
    return make_sum(rng, split) if kind < 0.83 else make_unknown(rng, split)
