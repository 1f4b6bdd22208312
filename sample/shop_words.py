"""The words the generated shop is made of. People, brands and products are invented.

Telephone numbers lie in ranges that the countries' regulators keep free for fiction; the addresses end in example.com.
"""

FIRST_NAMES = (
    "Ada Amir Anouk Astrid Bashir Beatriz Björn Callum Chiara Cleo Dag Dalia Dimitri Edith Elio Esra Farah Felix Femi "
    "Freya Gideon Greta Hana Hugo Imani Ines Ivo Jasper José Juno Kai Kenji Lars Leila Lin Livia Magnus Maeve Mina "
    "Nadia Nils Noor Odette Omar Otis Paloma Petra Quentin Rafael Ravi Renée Rosa Sanna Selma Soren Tamsin Theo Uma "
    "Viktor Wanda Xavier Yara Yusuf Zoë"
).split()
SURNAME_STARTS = (
    "Amber Bramble Clover Dapple Ember Fennel Gable Hazel Inkwell Juniper Kestrel Lantern Marble Nettle Otter Pepper"
).split()
SURNAME_ENDS = "brook croft dale field grove hart moor ridge stone thwaite wick wood".split()

# Country: share of customers, telephone patterns (# is any digit), cities with their weights.
COUNTRIES = {
    "United States": (
        52,
        ["+1 212 555 01##", "+1 312 555 01##", "+1 415 555 01##", "+1 512 555 01##"],
        {"New York": 9, "Chicago": 6, "San Francisco": 5, "Austin": 4, "Seattle": 4, "Boston": 3, "Denver": 2},
    ),
    "United Kingdom": (14, ["+44 20 7946 0###"], {"London": 7, "Manchester": 3, "Bristol": 2, "Edinburgh": 2}),
    "Germany": (13, ["+49 30 23125 ###", "+49 69 90009 ###"], {"Berlin": 5, "Hamburg": 3, "Munich": 3, "Cologne": 2}),
    "Canada": (9, ["+1 416 555 01##", "+1 604 555 01##"], {"Toronto": 4, "Vancouver": 3, "Montreal": 3}),
    "France": (8, ["+33 1 99 00 ## ##"], {"Paris": 5, "Lyon": 2, "Marseille": 1}),
    "Australia": (4, ["+61 2 5550 ####"], {"Sydney": 3, "Melbourne": 2}),
}
SEGMENTS = {"consumer": 74, "small_business": 20, "enterprise": 6}

BRANDS = "Alderwick Brightmoor Corvane Duskfern Eldertide Foxgrove Glasswing Hollowell".split()
ADJECTIVES = "Classic Compact Everyday Folding Heritage Light Modern Premium Simple Sturdy".split()
# Category: lowest and highest price in whole dollars, nouns.
CATEGORIES = {
    "Books": (
        9,
        45,
        "Atlas,Cookbook,Diary,Dictionary,Field Guide,Mystery Novel,Notebook,Phrase Book,Picture Book,Planner,"
        "Poetry Volume,Recipe Journal,Sketchbook,Star Chart,Travel Guide",
    ),
    "Clothing": (
        15,
        160,
        "Apron,Belt,Cardigan,Gloves,Hat,Jacket,Jumper,Raincoat,Sandals,Scarf,Shirt,Slippers,Socks,Trousers,Waistcoat",
    ),
    "Electronics": (
        19,
        480,
        "Alarm Clock,Camera,Charger,Desk Fan,Earphones,Headset,Keyboard,Microphone,Monitor,Mouse,"
        "Projector,Radio,Speaker,Tablet Stand,Webcam",
    ),
    "Garden": (
        8,
        140,
        "Bird Feeder,Flower Pot,Garden Hose,Hand Rake,Hedge Shears,Kneeling Pad,Lantern,Planter,"
        "Pruning Saw,Rain Gauge,Seed Box,Spade,Trellis,Watering Can,Wheelbarrow",
    ),
    "Home": (
        12,
        260,
        "Armchair,Blanket,Bookend,Candle Holder,Curtain,Cushion,Desk Lamp,Doormat,Mirror,Picture Frame,"
        "Rug,Shelf,Side Table,Vase,Wall Clock",
    ),
    "Kitchen": (
        6,
        180,
        "Baking Tray,Bread Knife,Chopping Board,Coffee Grinder,Colander,Frying Pan,Kettle,Ladle,"
        "Measuring Jug,Mixing Bowl,Pepper Mill,Rolling Pin,Saucepan,Teapot,Toaster",
    ),
    "Sports": (
        10,
        220,
        "Badminton Set,Bicycle Pump,Climbing Rope,Dumbbells,Football,Gym Bag,Hiking Poles,Jump Rope,"
        "Running Belt,Skateboard,Swim Goggles,Table Tennis Set,Tennis Racket,Water Bottle,Yoga Mat",
    ),
    "Toys": (
        7,
        90,
        "Balance Board,Building Blocks,Card Game,Chess Set,Doll House,Kite,Marble Run,Model Train,Puppet,"
        "Puzzle,Spinning Top,Stuffed Bear,Toy Drum,Wooden Boat,Yo-yo",
    ),
}
