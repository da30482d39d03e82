"""Sentences for the labels "technical" and "ethical": templates and the words that fill them."""

TECHNICAL_WORDS = {
    "lang": "Python|C++|C|Java|JavaScript|Rust|Go|TypeScript|SQL|Bash|Kotlin|Swift|Ruby|Perl|Haskell|assembly|PHP|Lua|"
            "CSS|HTML|R|MATLAB|Scala|Fortran".split("|"),
    "topic": "a hash table|a binary search tree|a linked list|garbage collection|a neural network|public key encryption|"
             "virtual memory|a load balancer|gradient descent|the TCP handshake|a compiler|a database index|DNS|"
             "dynamic programming|recursion|a mutex|a transistor|a heat pump|a jet engine|a turbocharger|a router|"
             "a firewall|a cache|an operating system kernel|quicksort|a blockchain|a language model|a transformer|"
             "attention|backpropagation|an electric motor|a lithium battery|a solar cell|a voltage regulator|"
             "Fourier analysis|a matrix decomposition|a differential equation|a closure|a REST API|a container|"
             "Kubernetes|Docker|version control|a regular expression|floating point arithmetic|a stack overflow|"
             "a semaphore|HTTP caching|a proxy server|TLS|a checksum|a 3D printer|a gearbox|an oscilloscope|"
             "pulse width modulation|a PID controller|a logic gate|a flip-flop|branch prediction|pipelining|"
             "memory paging|a message queue|sharding|replication|eigenvalues|Bayes' theorem|linear regression|"
             "a random forest|gradient boosting|a convolution|a GPU|speculative execution|a spanning tree|a Kalman filter|"
             "a nuclear reactor|photosynthesis|an enzyme|CRISPR|a wind turbine|a hydraulic pump|radar|GPS|"
             "a suspension bridge|entropy|quantum computing|superconductivity|a spectrometer|a laser|a diode".split("|"),
    "part": "the compiler|the parser|the scheduler|the kernel|the driver|the database|the server|the client|the cache|"
            "the allocator|the router|the firewall|the backend|the frontend|the API gateway|the message queue|the worker|"
            "the build system|the test suite|the container|the load balancer|the index|the query planner|the logger|"
            "the sensor|the motor|the pump|the valve|the controller|the circuit board|the power supply|the amplifier|"
            "the gearbox|the bearing|the turbine|the heat sink|the antenna|the hard disk|the processor|the graphics card|"
            "the boot loader|the firmware|the thread pool|the tokenizer|the web page|the script|the backup job".split("|"),
    "fault": "a segmentation fault|a memory leak|a race condition|a deadlock|a null pointer error|a timeout|a stack overflow|"
             "a buffer overflow|an integer overflow|a syntax error|a checksum mismatch|a packet loss of five percent|"
             "a short circuit|a voltage drop|overheating|a type error|a division by zero|an off-by-one error|"
             "a permission error|a certificate error|a merge conflict|a failed assertion|a rounding error|a page fault|"
             "vibration at high speed|metal fatigue|a leaking seal|a blown fuse|a kernel panic|an infinite loop".split("|"),
    "fix": "increase the buffer size|lower the clock rate|add an index to the table|use a mutex|check the return value|"
           "update the driver|restart the service|flush the cache|roll back the release|validate the input|"
           "replace the capacitor|tighten the bolts|add a unit test|use a smaller batch size|enable compression|"
           "pin the dependency|raise the memory limit|rewrite the loop|use a weak pointer|close the file handle|"
           "set the environment variable|rebuild the index|align the data|reduce the learning rate|"
           "add a retry with backoff|calibrate the sensor|clean the contacts|grease the bearing|split the module|"
           "vectorize the inner loop|profile the code|cast the value to a double|escape the quotes".split("|"),
    "task": "reverse a string|sort a list of numbers|parse a JSON file|connect to a database|read a file line by line|"
            "merge two sorted arrays|compute a factorial|find the shortest path|count the words in a text|"
            "validate an email address|resize an image|scrape a web page|open a socket|send an HTTP request|"
            "remove duplicates from a list|compute the median|invert a matrix|draw a chart|detect a cycle in a graph|"
            "convert a date|compress a folder|encrypt a password|schedule a job|balance a binary tree|train a classifier|"
            "find prime numbers|check for palindromes|transpose a table|multiply two matrices|find the maximum value|"
            "implement a stack|write unit tests|mount a disk|set up a web server|handle exceptions|join two tables".split("|"),
    "metric": "latency|throughput|memory use|the error rate|power consumption|the frame rate|accuracy|the response time|"
              "disk usage|network traffic|the load average|the torque|the pressure|the signal to noise ratio|"
              "the startup time|the cache hit rate|bandwidth|the temperature|the clock frequency|the tensile strength".split("|"),
    "num": "2|3|4|8|10|12|16|20|32|40|50|64|80|99|100|128|256|300|443|500|512|1000|1024|2048|4096|8080".split("|"),
    "unit": "milliseconds|megabytes|gigabytes|volts|watts|percent|kilohertz|degrees|requests per second|newtons|bits|"
            "bytes|threads|nodes|cores|amperes|millimeters|packets|rows|megahertz|bars|ohms|microseconds".split("|"),
    "noun": "array|variable|pointer|integer|string|object|file|folder|packet|signal|sensor|cable|screw|bolt|housing|filter|"
            "battery|circuit|magnet|coil|gear|piston|nozzle|lens|laser|probe|sample|protein|molecule|electron|atom|neuron|"
            "cell|genome|polymer|alloy|turbine|rotor|robot arm|satellite|rover|telescope|microphone|speaker|keyboard|monitor|"
            "vector|matrix|tensor|polynomial|integral|graph|node|edge|tree|stack|heap|queue|buffer|register|byte|token|"
            "image|certificate|password|socket|port|browser|plugin|module|class|method|loop|exception|destructor|constructor|"
            "query|column|row|cursor|branch|commit|test|pipeline|deployment|gradient|layer|weight|dataset".split("|"),
    "tverb": "computes|stores|sends|measures|converts|filters|compresses|rotates|heats|cools|allocates|frees|copies|indexes|"
             "validates|encrypts|decodes|samples|amplifies|transmits|loads|parses|inlines|sorts|merges|locks|releases|"
             "returns|updates|scans|absorbs|reflects|binds|folds|catalyzes|oxidizes|conducts|stabilizes|schedules|"
             "requests|renders|caches|rejects|counts|calibrates|triggers|terminates|expires".split("|"),
    "twhere": "in memory|on the heap|over Bluetooth|over USB|over the network|with a laser|in the destructor|between two plates|"
              "at compile time|at run time|every second|on every core|in the cloud|during training|in parallel|on the GPU|"
              "through a cable|under high pressure|at low temperature|in the last layer|with a magnetic field|at each step|"
              "on the disk|in constant time|in the background|before the base case|after the update|with 32 bit precision|"
              "in the bloodstream|in the nucleus|per cycle|on the local network|without brushes|from the command line".split("|"),
    "math": "The derivative of the sine is the cosine.|The integral of a constant is a line.|The sum of the angles of a "
            "triangle is 180 degrees.|A prime number has exactly two divisors.|The matrix is singular if its determinant "
            "is zero.|Let x be a real number greater than zero.|The series converges if the ratio is less than one.|"
            "Every bounded monotone sequence converges.|The variance is the mean of the squared deviations.|"
            "Solve the equation 3x + 5 = 20 for x.|Two vectors are orthogonal if their dot product is zero.|"
            "The area of a circle is pi times the radius squared.|The logarithm of a product is the sum of the logarithms.|"
            "The probability of two independent events is the product of their probabilities.|"
            "Find the eigenvalues of a symmetric matrix.|Prove that the square root of two is irrational.|"
            "Compute the limit of the function as x approaches zero.|What is the standard deviation of this sample?|"
            "The function is continuous but not differentiable at zero.|Force equals mass times acceleration.|"
            "The resistance is the voltage divided by the current.|Water boils at 100 degrees Celsius at sea level.|"
            "The speed of light in vacuum is about 300000 kilometers per second.|An atom of carbon has six protons.|"
            "The pH of pure water is seven.|Kinetic energy grows with the square of the speed.".split("|"),
}

TECHNICAL = """
{part} (failed|crashed|stopped) (with|because of) {fault}(| after the update| on startup| under heavy load| at night).
(We found|The log shows|The debugger shows|The report mentions|Monitoring detected) {fault} in {part}.
(To fix|To avoid|To prevent) {fault}, {fix}(| and {fix2}).
(You should|We had to|It helps to|The manual says to|First,) {fix} before {part} (is restarted|runs again|is deployed|can be tested).
If {part} (reports|shows|causes) {fault}, {fix}.
(Explain|Describe|Show me|Please explain) how {topic} works(| in detail| step by step| with an example| to a beginner).
(What is|What exactly is|Can you explain|How does one test) {topic}?
(Define|Give a short definition of|Summarize) {topic}.
(What is the difference between|How do you choose between) {topic} and {topic2}?
Compare {topic} (and|with) {topic2}.
(Write|Give me|Show me|I need) a (function|program|script|class|small tool) in {lang} to {task}.
(How do I|How can I|What is the best way to|How would you) {task} in {lang}?
(Write|Create) a {lang} (function|script|program) (that can|to) {task}.
Why does my {lang} (code|program|script|build) (fail|crash|hang|stop|run slowly) with {fault}?
(The|Our) {lang} (service|program|module|library) needs {num} {unit} to {task}.
{part} (runs|operates|is rated) at {num} {unit}(| under load| in normal operation| by default).
After the (update|change|patch|upgrade|repair), {metric} (rose|fell|dropped|improved|went up) (by|to) {num} {unit}.
(We measured|The benchmark shows|The graph shows|The test measures) {metric} of {part} (over|at|with) {num} {unit}.
{math}
{math} (The proof is short|This follows from the definition|See the formula below|Show all steps).
(The|A|Each|This|An electric|The input|The output) {noun} {tverb} (the|a|every|an input) {noun2} {twhere}.
(The|A|Each|Our) {noun} {tverb} the {noun2} because the {noun3} is (missing|empty|corrupt|too large|misaligned|charged|overheated|not initialized|out of range).
(Use|Connect|Replace|Insert|Allocate|Move|Copy|Rotate|Tighten|Check|Reset) the {noun} (and|before you|then) (check|test|open|close|free|measure|reset|connect) the {noun2}( {twhere}|).
(What|Which) (command|statement|function|tool|formula|setting|steps|method) (converts|removes|finds|sorts|configures|deletes|calculates|measures) (a|the|all|duplicate) {noun}(| {twhere}| in {lang}| on a router)?
How (do I|can I|do you) (convert|turn|cast|change|parse|map) a {noun} (to|into) a {noun2}(| in {lang})?
{noun}s (are|consist of|contain|form) (chains of|arrays of|pairs of|layers of|long) {noun2}s.
(What is|Compute|Estimate|Find|Give) the (time complexity|size|length|mass|resistance|order|root|inverse|average|frequency) of (the|a|this) {noun}(.|?)
The (server|service|program|page|script|site|request) (returned|failed with|shows|responded with) (a 404|a 500|an invalid|an unknown|a fatal|a permission) error when (I|the user|the {noun}) (requested|loaded|opened|saved|uploaded) the {noun2}.
Our {noun} (broke|stopped working|failed|was corrupted) after (the {noun2} expired|the kernel update|a power failure|the last release|the migration|we upgraded {lang}).
{part} (uses|depends on|is based on|is built around) {topic}.
(The team|The engineer|A developer|The technician) (wrote|tested|documented|replaced|debugged) {part} (in {lang}|to reduce {metric}|to improve {metric}|because of {fault}).
(The function|This method|The endpoint|The command) (returns|takes|accepts|prints) (a list of integers|a pointer|a JSON object|two arguments|a string|an error code|a boolean|a tensor).
(Set|Configure|Change) the (port|timeout|buffer size|thread count|page size|sample rate) to {num}.
(Run|Use|Execute) the command with the (debug|verbose|recursive|force) (flag|option) (and check the output|to see the stack trace|to rebuild everything).
(The|This) algorithm has a (time|space) complexity of O((n|n log n|n squared|log n|1)).
(The data is|Messages are|Packets are|Rows are) (encoded|compressed|encrypted|hashed|stored|replicated) (with|using) {topic}.
(Could you|Please|Can you) (debug|review|optimize|refactor) this {lang} (code|function|query|script)(?|.)
(Is it possible to|Do I need to|Should I) {fix} when {part} (is running|uses too much memory|shows an error|is updated)?
(The pull request|The commit|The release|Version {num}) (fixes|introduces|removes) {fault} in {part}.
(The bridge|The beam|The steel frame|The concrete wall|The axle|The pipe) (carries|withstands|supports|was designed for) a load of {num} (tons|kilonewtons|kilograms|bars).
(Measure|Check|Record) {metric} and then {fix}.
(The laptop|My computer|The phone|The printer|The router) (does not|will not) (boot|connect to the network|detect the disk|install the driver|charge), so {fix}.
(The model|The network|The classifier) was trained (for|on) {num} (epochs|batches|samples|tokens) with a learning rate of 0.{num2}.
(The signal|The current|The voltage|The wave) is (filtered|amplified|measured|sampled) by {part} (at {num} {unit}|).
How many {unit} does {part} (need|use|produce|handle)?
(Dijkstra's algorithm|Newton's method|Euler's formula|Gaussian elimination|Ohm's law|A Turing machine) (is used|can be applied|is implemented) (to {task}|in {part}).
(A thread|A process|The main loop|The interrupt handler) (waits for|blocks on|reads from|writes to) {part}.
(Install|Download|Compile|Build) the (package|library|toolchain|kernel module) (and then {fix}|from source|with the default options|in a virtual environment).
"""

ETHICAL_WORDS = {
    "who": "a doctor|a judge|a teacher|a company|a government|a parent|a journalist|a scientist|a soldier|a police officer|"
           "a politician|an employer|a bank|a hospital|a school|a nurse|a lawyer|a friend|a neighbor|a manager|"
           "a rich person|a landlord|a researcher|a programmer|a voter|a witness|a citizen|an artist|a farmer|a bystander".split("|"),
    "act": "lie to protect a friend|break a promise|steal food to feed a hungry child|keep a secret that hurts others|"
           "read another person's letters|report a friend who cheated|eat animals|use animals for experiments|"
           "pay women less than men|spy on workers|sell personal data|take a bribe|hide the truth from a patient|"
           "break an unjust law|punish somebody for a small mistake|let a machine decide about people|"
           "copy another student's homework|ignore a person in need|waste food while others go hungry|"
           "pollute a river to save money|sacrifice one life to save five|refuse to help a stranger|"
           "use weapons without human control|judge people by their looks|profit from the suffering of others|"
           "treat guests worse than friends|keep money found in the street|tell a white lie|download films illegally|"
           "fire workers by email|deny a refugee shelter|test a drug on poor people|manipulate voters|"
           "exclude somebody because of their religion|blame others for your own mistake|edit the genes of a child|"
           "keep wild animals in cages|sell weapons to a dictator|cheat in an exam|gossip about a colleague|"
           "withhold medicine from prisoners|favor your own family|use child labor|end a life to end the pain|"
           "record a conversation without permission|exploit a weakness of a friend".split("|"),
    "value": "honesty|fairness|justice|freedom|privacy|dignity|equality|loyalty|mercy|responsibility|compassion|trust|"
             "respect|human rights|duty|consent|solidarity|tolerance|integrity|accountability|transparency|autonomy|"
             "gratitude|forgiveness|the common good|the truth".split("|"),
    "group": "the poor|children|future generations|animals|workers|patients|refugees|minorities|the elderly|prisoners|"
             "strangers|people with disabilities|our neighbors|women|the weak|the voiceless|customers|students|"
             "migrants|the sick|those who cannot speak for themselves|people of all faiths".split("|"),
    "issue": "artificial intelligence|capital punishment|euthanasia|abortion|climate change|animal testing|surveillance|"
             "genetic engineering|gun control|child labor|self-driving cars|facial recognition|organ donation|"
             "the death penalty|factory farming|tax evasion|censorship|war|cloning|immigration|hate speech|inequality|"
             "discrimination|medical research|data collection|nuclear weapons|corruption|advertising to children|"
             "whistleblowing|vaccination|civil disobedience|racism|slavery|poverty".split("|"),
}

ETHICAL = """
(Is it|Is it ever|Would it be|Can it be) (right|wrong|moral|immoral|fair|acceptable|ethical|justified) to {act}?
(Is it|Would it be) (right|fair|acceptable|ethical) for {who} to {act}?
(Should|May|Must) {who} {act}?
(Should|May) {who} {act} (if nobody would ever know|if it saves a life|when the law allows it|for the greater good|out of love)?
It is (wrong|unfair|immoral|never right|dishonest|irresponsible) to {act}(, even if nobody finds out|, even if it is legal|, no matter the reason| because it harms {group}|).
{who} should (never|not|not be allowed to) {act}, because {value} (matters more|comes first|must be protected|is at stake).
(We have|Everybody has|Society has|Companies have|Governments have) a (duty|moral duty|responsibility|moral obligation) (to protect|to care for|to respect|to be fair to|not to harm|to defend) {group}.
(Discuss|Explain|Consider|Examine) the (moral|ethical) (problems|questions|implications|limits|arguments) of {issue}.
What are the (moral|ethical) (problems|questions|implications|arguments) of {issue}?
(Is|Can) {issue} (ever |)(be |)(morally |ethically |)(acceptable|justified|right|wrong|fair)?
(Who is|Who should be) (responsible|to blame|accountable|held responsible) (for {issue}|when {issue} causes harm|if {who} makes a mistake)?
{value} (matters|is worth) more than (profit|money|success|comfort|convenience|victory|power|fame)(| when {group} suffer).
(How can|How should) {who} balance {value} and {value2}?
{who} must (choose|decide) between {value} and {value2}.
(Does|Should) {value} (ever |)(come before|outweigh|justify giving up|matter more than) {value2}?
(A conflict|A dilemma|The tension) between {value} and {value2} (is not easy to solve|troubles the conscience of many people|is at the heart of {issue}).
{who} (found out|knows|discovered) that (a colleague|the boss|a friend|the company) (lied|cheated|broke the law|stole money|harmed {group}). (Should {who2} speak up?|What is the right thing to do?|Is silence a kind of guilt?|Does loyalty excuse silence?)
(Our|The) (conscience|sense of justice|moral compass) tells us (not to {act}|to stand up for {group}|that {group} deserve {value}).
(People|Companies|Leaders|We) who {act} (betray|violate|forget about|disregard) {value}.
(To {act}|Choosing to {act}) is a (betrayal of|violation of|threat to|question of) {value}.
(All|We believe that all|Every law should say that all) people (deserve|have a right to) {value}(, no matter where they were born|, rich or poor|, and that includes {group}|).
(If|Suppose that|Imagine that) you could (save|help) {group} only (if you {act}|by breaking a promise|by lying). (Would that be right?|Should you do it?|What would a good person do?)
(Does the end justify the means|Do good intentions excuse bad results|Is it enough to follow the rules|Are we guilty of what we fail to do) when it comes to {issue}?
(Treat others as you want to be treated|Nobody should be a tool for the goals of others|Power should never be above the law|A just society protects its weakest members|Doing nothing can also be a wrong|Rights come with duties|An apology means little without change)(, and that holds for {group} too|, even in times of {issue}|).
(The company|The factory|The bank|The government|The hospital) (hid|ignored|denied) the (danger|harm|risk|truth) from {group}, (which is deeply unfair|and that was wrong|and it must answer for that|a clear breach of {value}).
(Animals|Workers|Children|Patients|Prisoners|Machines) (have rights|deserve respect|should not be used only as a means|must give their consent|should be treated with dignity)(| , even when it is costly|).
(Is it fair that|Why is it wrong that|Should we accept that) {group} (have fewer rights|get less pay|have no voice|pay for the mistakes of others|are judged by a machine)?
We owe it to {group} to (act with {value}|stop {issue}).
Do we owe (help|{value}|an apology|protection) to {group}?
{issue} raises (hard|serious|deep) (moral|ethical) questions about {value}(| and {value2}).
(I feel guilty because I chose|She felt ashamed because she decided|He regrets that he chose) to {act}(, and it was wrong|). (Can this be forgiven?|What do we owe the people we hurt?|I should have acted with {value}.)
(Giving|To give) (money|time|help) to {group} is (a duty, not a favor|the right thing to do|a matter of {value}|more than charity).
(The law may permit us to|It may be legal to|Many people) {act}, but (is it right?|is that just?|it is still wrong.|our conscience objects.)
(Robots|Algorithms|Machines|Self-driving cars) should not {act2} without (human oversight|{value}|consent|accountability).
Whose (interests|rights|lives) (should come first|matter most|count more) in the debate about {issue}, those of {group} or those of {group2}?
(Write an essay|Give your opinion|Argue for or against the view|Write a short argument) on whether it is (right|wrong|fair|just) to {act}.
(A good person|An honest person|A fair leader|A just state) would (never|not) {act}(| even under pressure| for money| out of fear).
"""
ETHICAL_WORDS["act2"] = ["decide who lives", "judge people", "choose who gets a loan", "be used in war", "watch every step of people",
                         "decide about a prison sentence", "rank human lives", "replace human care"]

TECHNICAL_PLAIN = """
The unit tests pass on Linux but fail on Windows because of path separators.
A floating point number cannot represent one tenth exactly.
Each row in the table has a primary key and a foreign key.
The crane lifts the load with a steel cable and a counterweight.
Replace the thermal paste and check the fan speed.
The vaccine trial used a control group and a placebo.
Solder the red wire to pin four and the black wire to ground.
The satellite orbits the planet once every ninety minutes.
Please convert these coordinates from degrees to radians.
The patch adds support for sixteen bit samples.
Enter the IP address, the subnet mask and the default gateway.
Our cluster has eight nodes with two sockets each.
The instruction set has vector registers of 512 bits.
Insulin lowers the level of glucose in the blood.
The spreadsheet formula in cell B2 returns an error.
The lens has a focal length of fifty millimeters.
Press the reset button for ten seconds to restore the factory settings.
The chemical reaction releases heat and carbon dioxide.
Delete the temporary files and empty the trash to free disk space.
The weld was inspected with ultrasound and showed no cracks.
Push the branch and open a pull request against main.
The engine burns diesel at a compression ratio of sixteen to one.
The password must contain at least twelve characters and one digit.
How do I calculate the volume of a cylinder?
How do vaccines train the immune system?
Which algorithm should I use to cluster these points?
The app crashes when I rotate the screen.
Mitochondria produce most of the chemical energy of the cell.
What does the keyword static mean in C?
Set up SSH keys and disable password login.
The garbage collector pauses all threads for two milliseconds.
The histogram shows a normal distribution with a mean of five.
"""

ETHICAL_PLAIN = """
A trolley is heading toward five people, and you can pull a lever to divert it toward one.
Everyone deserves a fair trial, even those who did terrible things.
She returned the wallet because it was the right thing to do.
The rich should pay their fair share so that nobody goes hungry.
Is it hypocritical to ask for honesty while telling lies?
He took credit for her work, and that is not fair.
Nobody should be forced to act against their conscience.
Do we have obligations to people who are not born yet?
Stealing is wrong, but is it wrong to steal bread when your children starve?
The nurse refused to lie to the dying man.
It is not enough to obey orders; each of us is accountable for what we do.
They bought clothes made in sweatshops and felt uneasy about it.
Who bears the guilt when a machine makes a deadly mistake?
A promise should be kept even when it becomes inconvenient.
Cruelty to animals is never excusable.
Should the vote of an expert count more than the vote of anybody else?
Forgive those who hurt you, but do not let injustice go on.
Is it selfish to put my own needs first?
The workers were cheated out of their wages, and nobody stood up for them.
We must weigh the harm to a few against the benefit of many.
Is it okay to read my daughter's diary if I am worried about her?
Would you turn in your own brother if he committed a crime?
The committee asked whether the patients had truly given their consent.
Virtue is a habit of choosing what is good.
Human beings should never be treated merely as a means to an end.
Is there a just war, or is all violence wrong?
"""
