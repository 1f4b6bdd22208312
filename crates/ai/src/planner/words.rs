//! The words of the grammar: those that mean the same whatever the tables hold.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use pilothouse_domain::semantic::Aggregate::{Avg, CountDistinct, Max, Median, Min, Sum};
use pilothouse_domain::semantic::Direction::{Ascending as Low, Descending as High};
use pilothouse_domain::semantic::{Aggregate, Compare, Direction, Grain};

/// Words that lead to the place something comes from, goes to, or is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Prep {
    From,
    To,
    Other,
}

/// A superlative: which end, and what it is usually about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Superlative {
    pub direction: Direction,
    pub about: About,
}

/// What a superlative ranks by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum About {
    /// Whatever follows: `most flights`, `highest price`.
    Next,
    /// The number of rows: `busiest`, `most popular`.
    Rows,
    /// A measure with one of these words in its name: `longest`, `most expensive`.
    Hint(&'static [&'static str]),
    /// The default time: `latest`, `first`.
    Time,
    /// Better or worse, which only a measure can settle.
    Good(bool),
}

/// A word of the grammar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Word {
    HowMany,
    HowMuch,
    What,
    Which,
    Who,
    When,
    List,
    Exists,
    Aggregate(Aggregate),
    Distinct,
    Share {
        fraction: bool,
    },
    Rate,
    By,
    Each,
    Sup(Superlative),
    Top(Direction),
    Cmp(Compare),
    CmpAfter(Compare),
    Between,
    Not,
    Missing,
    Known,
    And,
    Or,
    Comma,
    Versus,
    Compare,
    Verb,
    That,
    Prep(Prep),
    Grain(Grain),
    Periodic(Grain),
    Trend,
    /// By how much a number differs: `change`, `difference`, `grew`.
    Change,
    /// From one period to the next; with `year`, from the same period a year before.
    Growth {
        year: bool,
    },
    Why,
    /// `in minutes`.
    InUnit,
    /// `largest first`.
    Sorted(Direction),
    /// `worst first`: what that is only a superlative beside it says.
    GoodFirst,
    /// After what is meant: `void invoices excluded`.
    Excluded,
    /// Leads to the time that periods are about: `going by the order date`.
    GoingBy,
    /// `in steps of` a number.
    Steps,
    /// `at the end of` a period: only levels have one.
    AtEnd,
    /// `ratio of X to Y`.
    RatioOf,
    /// `X divided by Y`, `X as a percentage of Y`.
    Over {
        percent: bool,
    },
    Than,
    Combined,
    Vague,
    Destructive,
    Skip,
}

const PRICE: &[&str] = &["price", "cost", "amount", "value", "fee", "total"];
const LENGTH: &[&str] = &["distance", "length", "duration", "elapsed", "air time"];
const SIZE: &[&str] = &["size", "capacity", "seats", "area", "volume", "total", "amount", "population"];
const HEIGHT: &[&str] = &["altitude", "height", "elevation"];
const SPEED: &[&str] = &["speed", "velocity"];
const HEAT: &[&str] = &["temperature", "temp"];
const HEAVY: &[&str] = &["weight", "mass"];
const WIND: &[&str] = &["wind speed", "wind gust"];
const RAIN: &[&str] = &["precipitation", "rain", "rainfall"];
const HUMID: &[&str] = &["humidity"];
const AGE: &[&str] = &["age"];
const DELAY: &[&str] = &["delay", "lateness"];
const SOLD: &[&str] = &["quantity", "units", "revenue", "sales", "amount"];
const POPULATION: &[&str] = &["population"];

const fn hint(direction: Direction, words: &'static [&'static str]) -> Word {
    Word::Sup(Superlative { direction, about: About::Hint(words) })
}

const fn sup(direction: Direction, about: About) -> Word {
    Word::Sup(Superlative { direction, about })
}

/// The most words in a phrase of the grammar.
pub(crate) const MAX_PHRASE: usize = 5;

/// The word of the grammar that `phrase` (in lower case, single spaces) is.
pub(crate) fn word(phrase: &str) -> Option<Word> {
    TABLE.get(phrase).copied()
}

/// What a shortened word stands for.
pub(crate) fn whole(short: &str) -> Option<&'static str> {
    const SHORT: [(&str, &str); 12] = [
        ("rev", "revenue"),
        ("qty", "quantity"),
        ("amt", "amount"),
        ("dept", "department"),
        ("cust", "customer"),
        ("inv", "invoice"),
        ("acct", "account"),
        ("prod", "product"),
        ("cat", "category"),
        ("mgr", "manager"),
        ("dest", "destination"),
        ("temp", "temperature"),
    ];
    SHORT.iter().find(|(known, _)| *known == short).map(|(_, whole)| *whole)
}

/// Whether `single` is, or is part of, a phrase of the grammar: such a word is never taken for a spelling mistake.
pub(crate) fn is_known(single: &str) -> bool {
    PARTS.contains(single)
}

static TABLE: LazyLock<HashMap<String, Word>> = LazyLock::new(|| {
    let mut table = HashMap::new();
    for (words, word) in entries() {
        for phrase in words.split('|') {
            table.insert(phrase.to_owned(), word);
            if matches!(word, Word::Sup(_) | Word::Top(_)) && !phrase.starts_with("the ") {
                table.insert(format!("the {phrase}"), word);
            }
        }
    }
    table
});

static PARTS: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| entries().flat_map(|(words, _)| words.split(['|', ' '])).collect());

fn entries() -> impl Iterator<Item = (&'static str, Word)> {
    ENTRIES.iter().chain(GRAINS).copied()
}

/// The words of the grammar; phrases with one meaning are separated by bars, and a later entry wins over an earlier one.
const ENTRIES: &[(&str, Word)] = &[
    (
        "how many|number of|the number of|count of|count the|count|total number of|total count of|how often|how many times|no of|amount of times|number|counting|tally|total count|quantity of",
        Word::HowMany,
    ),
    ("how much|how high|how big|by how much|by how many|how far", Word::HowMuch),
    ("what|what kind of|what kinds of|whats", Word::What),
    ("which|what are all|at which|in which|on which|for which|which of the|of which", Word::Which),
    ("who", Word::Who),
    ("when|since when", Word::When),
    (
        "list|list all|rank|rank the|put|put the|order the|sort the|show me|show|give me|display|find|get|tell me|name|name the|names of|what are|what were|return|i want|i need|let me see|i would like|see|enumerate|provide",
        Word::List,
    ),
    (
        "is there|are there any|is there any|did any|was there any|were there any|do any|does any|do we have any|have there been any|has any|have any|was there a|is there a|was there|have there been|are there",
        Word::Exists,
    ),
    ("average|avg|mean|on average|typical|typically|the average|in average|averaged", Word::Aggregate(Avg)),
    (
        "total|sum|sum of|total of|altogether|in total|combined total|the total|the sum of|summed|all together",
        Word::Aggregate(Sum),
    ),
    ("minimum|min|the minimum", Word::Aggregate(Min)),
    ("maximum|max|the maximum", Word::Aggregate(Max)),
    ("median|the median", Word::Aggregate(Median)),
    ("different|distinct|unique|number of different|number of distinct|number of unique|various", Word::Distinct),
    (
        "how many different|how many distinct|how many unique|count of distinct|count distinct|distinct count of|unique count of|distinct number of|count of unique|count of different",
        Word::Aggregate(CountDistinct),
    ),
    (
        "share|percentage|percent|percentage of|percent of|share of|what percent|per cent|percentage share|%|the share of|the percentage of|pct",
        Word::Share { fraction: false },
    ),
    ("proportion|fraction|proportion of|fraction of|what part of|part of", Word::Share { fraction: true }),
    ("rate|rates", Word::Rate),
    (
        "by|grouped by|broken down by|split by|group by|break down by|breakdown by|per each|by each|depending on|as a function of|according to|broken out by|divided by|separated by|sliced by",
        Word::By,
    ),
    (
        "per|each|for each|for every|every|in each|at each|of each|on each|with each|from each|to each|across",
        Word::Each,
    ),
    (
        "more than|greater than|over|above|exceeding|exceeds|exceed|exceeded|larger than|bigger than|higher than|in excess of|longer than|>|upwards of|beyond|faster than|later than|costlier than|more expensive than|pricier than|warmer than|hotter than|heavier than|farther than|further than|better than|of more than|of over|by more than|by over|north of",
        Word::Cmp(Compare::Gt),
    ),
    (
        "less than|fewer than|under|below|smaller than|lower than|shorter than|<|cheaper than|less expensive than|slower than|colder than|cooler than|of less than|of under|by less than|earlier than|not even|short of",
        Word::Cmp(Compare::Lt),
    ),
    (
        "at least|no less than|not less than|no fewer than|minimum of|a minimum of|>=|starting at|starting from|of at least|by at least",
        Word::Cmp(Compare::Ge),
    ),
    (
        "at most|no more than|not more than|up to|maximum of|a maximum of|<=|of at most|by at most|not over|as many as",
        Word::Cmp(Compare::Le),
    ),
    ("exactly|equal to|equals|=|precisely|of exactly|by exactly|==", Word::Cmp(Compare::Eq)),
    (
        "or more|or over|or higher|or longer|or above|or greater|and above|and over|and more|or later|and up|or better|plus",
        Word::CmpAfter(Compare::Ge),
    ),
    (
        "or less|or fewer|or under|or lower|or below|or shorter|and below|and under|or cheaper",
        Word::CmpAfter(Compare::Le),
    ),
    ("between|in between|ranging from|in the range", Word::Between),
    (
        "not|no|never|without|non|neither|nor|except|excluding|other than|apart from|without any|not any|except for|anything but|everything but|all but|any but|anyone but|but not|not from|with no|have no|has no|had no|having no|not have|not had|besides|exclude|ignoring|zero|did not|was not|were not|not a|not an|not in|outside|outside of",
        Word::Not,
    ),
    (
        "missing|unknown|empty|null|blank|lacking|lack|lacks|unrecorded|not recorded|not known|no recorded|not available|unspecified|not specified",
        Word::Missing,
    ),
    ("known|recorded|not missing|not null|non null|not empty|specified", Word::Known),
    ("and|next to|beside|as well as|along with|together with|plus the|and the|and also|and their|both", Word::And),
    ("or|or the|either", Word::Or),
    (",", Word::Comma),
    ("vs|versus|compared to|compared with|against|as opposed to|and versus", Word::Versus),
    ("compare|comparison of|comparison between|compare the|comparing|compare between", Word::Compare),
    (
        "is|are|was|were|be|been|being|had|has|have|having|do|does|did|done|made|make|makes|went|go|goes|came|come|comes|got|get|gets|took|take|takes|will|would|can|could|paid|pay|pays|paying|occurred|occur|occurs|happened|happen|happens|contain|contains|include|includes|seen|saw|see|recorded there|experience|experienced|receive|received|there|account for|accounts for|accounted for|make up|makes up|made up|represent|represents|account|used|use|uses|using|belong|belongs|belonging|fall|falls|fell|offer|offers|serve|serves|served|cover|covers|covered|earn|earned|earns|generate|generated|generates|bring in|brought in|brings in|bring|brought|yield|yielded|produced|operate|operated|operates|run|runs|ran|end up|ended up|result|resulted|held|hold|holds|currently|ever|actually|placed there|located|based|situated|live|lives|living|lie|lies|lying|need|needs|needed|reach|reached|reaches|carry|carried|carries|observed|measured|reported|report|registered there|get to|exist|exists|existed|appear|appears|appeared|stand|stands|placed|place|places|submitted|issued|completed there|bring about|am|work|works|want|wanted|comprise|comprises|consist of|consists of|constitute|constitutes|involve|involves|involved|comprised",
        Word::Verb,
    ),
    ("that|who have|which have|which has|that have|that has|that had|who had|whose|where|whom|with", Word::That),
    (
        "from|out of|left|leave|leaves|leaving|departing|departs|depart|that leave|departing from|leaving from|originating from|originating in|originating at|starting in|coming from|flying from|flying out of|departing|departed from|that left from|that left|left from|leave from|leaves from|depart from|departs from|flew out of|flown from|flew from|fly from|flown out of|fly out of|taking off from|took off from|originate from|originated from|originated in|originated at|start from|started from",
        Word::Prep(Prep::From),
    ),
    (
        "to|into|bound for|going to|headed to|headed for|arriving at|arriving in|landing at|landing in|heading to|flying to|towards|destined for|arrived at|arrived in|fly to|flies to|flew to|flown to|heading for|landed at|landed in|fly into|flew into|flying into|arrive at|arrive in|go to|goes to|went to|travel to|traveled to|travelled to|traveling to|travelling to|shipped to|for destination",
        Word::Prep(Prep::To),
    ),
    (
        "of|in|on|at|for|via|through|within|during|out|off|about|throughout|inside|among|amongst|with the|as|amid|around",
        Word::Prep(Prep::Other),
    ),
    (
        "trend|trend of|over time|trends|trend in|development of|evolution of|timeline of|time series of|history of|trends in|how has|how have|how did|change over time|changed over time|evolve|evolved|evolve over time|develop|developed|develop over time|vary over time|progression of",
        Word::Trend,
    ),
    (
        "change|changed|changes|change in|change of|the change in|difference|difference in|difference of|the difference in|the difference|difference between|the difference between|increase|increased|increases|increase in|decrease|decreased|decrease in|growth|growth of|growth in|grow|grew|grown|rise|rose|risen|rise in|fall in|fallen|decline|declined|decline in|dropped|go up|went up|gone up|go down|went down|gone down|shrink|shrank|percent change|percentage change|percentage change in|percent change in|% change|change in percent|growth rate|growth rate of|percentage growth|percent growth|by what percentage|by what percent|by how many percent|by what share|by what factor",
        Word::Change,
    ),
    (
        "month over month|month on month|mom|m o m|period over period|quarter over quarter|qoq|week over week|wow|day over day|from month to month|from quarter to quarter|compared with the previous month|compared to the previous month|vs the previous month|versus the previous month|compared with the month before|compared to the month before|vs previous month|compared to previous month|compared with the previous quarter|compared to the previous quarter|vs previous quarter|versus previous month",
        Word::Growth { year: false },
    ),
    (
        "year over year|year on year|yoy|y o y|from year to year|compared with the same month last year|compared to the same month last year|compared to the year before|compared with the year before|compared with the previous year|compared to the previous year|vs the previous year|versus the previous year|vs previous year",
        Word::Growth { year: true },
    ),
    (
        "why|why is|why was|why did|why has|how come|what caused|what drove|what drives|what explains|what is behind|what was behind|reason for|reasons for|the reason for|what made|explain why",
        Word::Why,
    ),
    (
        "at the end of|end of|at end of|by the end of|at the close of|at month end|at year end|year end|month end|at the end|the end|end|at end|by the end|by end|at the close",
        Word::AtEnd,
    ),
    (
        "in steps of|steps of|in buckets of|buckets of|in bins of|bins of|in bands of|bands of|in increments of|in groups of|in intervals of|bucketed by|in ranges of",
        Word::Steps,
    ),
    (
        "largest first|biggest first|highest first|most first|top first|greatest first|in descending order|descending|from high to low|from highest to lowest|from largest to smallest",
        Word::Sorted(High),
    ),
    (
        "smallest first|lowest first|fewest first|least first|in ascending order|ascending|from low to high|from lowest to highest|from smallest to largest",
        Word::Sorted(Low),
    ),
    ("best first|worst first", Word::GoodFirst),
    ("excluded|left out|aside|not counted|not included|leaving out|taken out|set aside", Word::Excluded),
    ("going by|based on|judged by|counted by|dated by|by their|using the", Word::GoingBy),
    (
        "in minutes|in hours|in seconds|in miles|in feet|in dollars|in usd|in pounds|in gbp|in euros|in eur|in pieces|in days|in units|measured in minutes|measured in miles|in percent|in percentage|in percentage terms",
        Word::InUnit,
    ),
    ("ratio of|ratio between|the ratio of|the ratio between|ratio", Word::RatioOf),
    ("divided by the|over the number of|relative to", Word::Over { percent: false }),
    (
        "as a share of|as share of|as a percentage of|as percentage of|as a percent of|as percent of|as a proportion of|as % of|as a % of|in percent of|as a fraction of",
        Word::Over { percent: true },
    ),
    ("than", Word::Than),
    ("combined|put together|taken together|together|jointly", Word::Combined),
    (
        "performance|perform|performed|performing|good|bad|better|worse|reliable|punctual|efficient|problematic|interesting|important|successful|healthy|well|poorly|reliability|underperforming|valuable|loyal",
        Word::Vague,
    ),
    (
        "drop|delete|truncate|insert|alter|grant|revoke|update|remove|modify|overwrite|erase|wipe|edit|rename|create|purge|destroy|execute|shutdown",
        Word::Destructive,
    ),
    (
        "the|a|an|all|our|we|us|i|me|my|you|your|they|their|them|it|its|please|kindly|this data|data|dataset|database|table|records|record|rows|row|entries|entry|so|just|only|both of them|show both|show both of them|all time|over all time|of all time|all times|in absolute terms|would like to know|would like to see|like to know|like to see|like to have|histogram of|histogram|a histogram of|added up|put together|side by side|next to each other|alongside|overall there|in the data|in the dataset|in the data set|in the database|in this data|in this dataset|on record|in our data|value of|values|of all|these|those|some|any|then|also|now|would you|could you|can you|do you know|figure|figures|numbers|information|info|details|respectively|in terms of|when it comes to|regarding|per the data|according to the data|hi|hello|hey|thanks|thank you|exact|same|own|given|set|broken|such|kind|kinds|sort|itself|themselves|for a|for an|with a|with an|for the|in the|on the|at the|of the|to the|from the|distribution of|breakdown of|a breakdown of|a list of|list of|the list of|number and|one|ones|ranked|ranking|ranking of|sorted|ordered list of|order of|per cent of|as a percentage|as a whole|in all|do we have|we have|have we|did we|do we|we had|there were|there are|have been|in existence|entire|whole|full|listed|in the table|in our|in this|quite|really|much|please tell me|i wonder|know|question|want to know|curious|there in total|total there|altogether there|were there|are listed|individual|particular|specific|respective|every single|single|corresponding|associated|related|level of|levels of|degree of|while|how|has been|overall|in order|at the moment|of them|of those|something|anything|someone|anyone|somebody|available|so far|sorted by count|ordered by count|sorted by number|until now|to date|but|across all|for all|over all|of all the|at all|at least one of|is it|was it|as of now",
        Word::Skip,
    ),
    ("top|the top|leading|first top|highest ranked|best ranked", Word::Top(High)),
    ("bottom|the bottom|last ranked|lowest ranked", Word::Top(Low)),
    (
        "most|the most|highest|largest|biggest|greatest|the highest|the largest|the biggest|highest number of|largest number of|greatest number of|most number of|the highest number of|the largest number of|the greatest number of|more|higher|larger|greater|bigger|peak|top most|maximal|highest count of|biggest number of|the biggest number of|strongest|highest overall|most overall",
        sup(High, About::Next),
    ),
    (
        "least|the least|lowest|fewest|smallest|the lowest|the fewest|the smallest|lowest number of|smallest number of|fewest number of|least number of|the lowest number of|the smallest number of|fewer|less|lower|smaller|minimal|the least number of|weakest",
        sup(Low, About::Next),
    ),
    (
        "busiest|most popular|most common|most frequent|most frequently|most often|commonest|most used|most commonly|most active|most visited|the busiest|the most popular|the most common|most flown|most frequently used|most commonly used|most heavily used|most widely used",
        sup(High, About::Rows),
    ),
    (
        "least busy|least popular|least common|least frequent|rarest|least used|quietest|least active|least visited|least frequently|least often",
        sup(Low, About::Rows),
    ),
    ("latest|most recent|newest|last ever|most recently|the last|the latest", sup(High, About::Time)),
    ("earliest|first ever|oldest|the first|the earliest", sup(Low, About::Time)),
    ("best|the best", sup(High, About::Good(true))),
    ("worst|the worst", sup(High, About::Good(false))),
    ("longest|farthest|furthest|lengthiest", hint(High, LENGTH)),
    ("shortest|nearest|closest|briefest", hint(Low, LENGTH)),
    ("most expensive|priciest|costliest|dearest|most costly|most valuable", hint(High, PRICE)),
    ("cheapest|least expensive|least costly|most affordable", hint(Low, PRICE)),
    ("fastest|quickest", hint(High, SPEED)),
    ("slowest", hint(Low, SPEED)),
    ("tallest|most elevated", hint(High, HEIGHT)),
    ("hottest|warmest", hint(High, HEAT)),
    ("coldest|coolest", hint(Low, HEAT)),
    ("heaviest", hint(High, HEAVY)),
    ("lightest", hint(Low, HEAVY)),
    ("windiest", hint(High, WIND)),
    ("rainiest|wettest", hint(High, RAIN)),
    ("most humid", hint(High, HUMID)),
    ("driest|least humid", hint(Low, HUMID)),
    ("youngest", hint(Low, AGE)),
    ("latest running", hint(High, DELAY)),
    ("most punctual", hint(Low, DELAY)),
    ("best selling|top selling|most sold|most purchased|most bought|best sold|most ordered", hint(High, SOLD)),
    ("worst selling|least sold|least ordered|least purchased", hint(Low, SOLD)),
    ("most populous", hint(High, POPULATION)),
    ("least populous", hint(Low, POPULATION)),
    ("roomiest|most spacious", hint(High, SIZE)),
];

/// The words for spans and parts of time.
const GRAINS: &[(&str, Word)] = &[
    ("year|years|calendar year", Word::Grain(Grain::Year)),
    ("quarter|quarters", Word::Grain(Grain::Quarter)),
    ("month|months|calendar month|month of the year", Word::Grain(Grain::Month)),
    ("week|weeks|calendar week", Word::Grain(Grain::Week)),
    ("day|days|date|dates|calendar day|calendar date|day of the year", Word::Grain(Grain::Day)),
    ("hour of the day|hour of day|hour|hours|time of day|time of the day|hourly slot", Word::Grain(Grain::HourOfDay)),
    ("weekday|weekdays|day of the week|day of week|days of the week|week day", Word::Grain(Grain::Weekday)),
    ("day of the month|day of month", Word::Grain(Grain::DayOfMonth)),
    ("month of year", Word::Grain(Grain::MonthOfYear)),
    (
        "yearly|annual|annually|year by year|by year|per year|each year|a year|every year|for each year",
        Word::Periodic(Grain::Year),
    ),
    (
        "quarterly|by quarter|per quarter|each quarter|every quarter|a quarter|for each quarter|quarter by quarter",
        Word::Periodic(Grain::Quarter),
    ),
    (
        "monthly|by month|per month|each month|every month|month by month|a month|for each month|in each month|per calendar month|by calendar month",
        Word::Periodic(Grain::Month),
    ),
    ("weekly|by week|per week|each week|every week|a week|week by week|for each week", Word::Periodic(Grain::Week)),
    (
        "daily|by day|per day|each day|every day|a day|day by day|for each day|by date|per date|on each day|in a day|in a single day",
        Word::Periodic(Grain::Day),
    ),
    (
        "hourly|by hour|per hour|each hour|every hour|for each hour|by hour of the day|by hour of day|by scheduled hour|per hour of the day|per hour of day|for each hour of the day",
        Word::Periodic(Grain::HourOfDay),
    ),
    (
        "by weekday|per weekday|by day of the week|by day of week|per day of the week|for each weekday|for each day of the week|on each day of the week|each day of the week|each weekday",
        Word::Periodic(Grain::Weekday),
    ),
];
