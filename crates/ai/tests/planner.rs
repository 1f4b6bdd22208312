//! What questions mean over a small model: each with the reading, the question asked back, or the refusal.

mod model;

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::civil::date;
use pilothouse_ai::planner::{Context, Plan, Planner};
use pilothouse_domain::semantic::{Calculation, Measure, Metric, VerifiedQuestion};
use proptest::prelude::*;

fn planner() -> Planner {
    Planner::new(Arc::new(model::shop()))
}

fn plan(question: &str) -> Plan {
    planner().plan(question, &Context { today: date(2025, 3, 15), previous: None })
}

/// The plan as one line: the reading, `ASK` with the choices, or `REFUSE` with the unknown words.
fn shown(question: &str) -> String {
    match plan(question) {
        Plan::Answer(reading) => reading.understanding.text,
        Plan::Clarify { choices, .. } => {
            let labels: Vec<String> = choices.into_iter().map(|choice| choice.label).collect();
            format!("ASK {}", labels.join(" | "))
        }
        Plan::Refuse { unknown_words, .. } => format!("REFUSE {}", unknown_words.join(" ")).trim_end().to_owned(),
    }
}

fn check(question: &str, expected: &str) {
    assert_eq!(shown(question), expected, "{question}");
}

#[test]
fn counts_and_filters() {
    check("How many orders are there?", "Number of orders.");
    check("how many completed orders?", "Number of orders, where status is completed.");
    check("How many orders were not completed?", "Number of orders, where status is not completed.");
    check(
        "orders over $100 by status",
        "Number of orders by status, where amount is more than 100 USD; highest number of orders first.",
    );
    check("How many orders came from Germany or France?", "Number of orders, where country is Germany or France.");
    check("How many customers have no phone?", "Number of customers, where phone is missing.");
    check(
        "How many orders between 10 and 20 dollars?",
        "Number of orders, where amount is at least 10 USD and amount is at most 20 USD.",
    );
}

#[test]
fn numbers_groups_and_order() {
    check("What is the average amount by country?", "Average amount by country; highest average amount first.");
    check("total amount per month", "Revenue by month of ordered at; earliest first.");
    check(
        "Which country has the most orders?",
        "Number of orders by country; highest number of orders first; the first only.",
    );
    check("top 3 customers by revenue", "Revenue by customer name; highest revenue first; the first 3.");
    check(
        "Which customers have more than 5 orders?",
        "Number of orders by customer name, where number of orders is more than 5; highest number of orders first.",
    );
    check("How many customers have never ordered?", "Number of customers, where there are no orders.");
    check("average number of orders per day", "Average number of orders per day of ordered at.");
    check("What is the largest amount?", "Largest amount.");
    check("largest order", "Id and amount of orders; highest amount first; the first only.");
}

#[test]
fn shares() {
    check("What percentage of orders were returned?", "Percentage of orders where status is returned.");
    check(
        "return rate by country",
        "Percentage of orders where status is returned by country; highest percentage of orders where status is returned first.",
    );
    check(
        "share of orders by status",
        "Percentage of the total number of orders by status; highest percentage of the total number of orders first.",
    );
    check("What fraction of revenue comes from Germany?", "Fraction of revenue where country is Germany.");
}

#[test]
fn times() {
    check("number of orders in February 2024", "Number of orders, where ordered at in February 2024.");
    check("How many orders on 4 July 2024?", "Number of orders, where ordered at on 4 Jul 2024.");
    check("How many orders last month?", "Number of orders, where ordered at in February 2025.");
    check("How many orders after 8pm?", "Number of orders, where hour of the day of ordered at is at least 20.");
    check(
        "How many orders on weekends?",
        "Number of orders, where day of the week of ordered at is Saturday or Sunday.",
    );
    check("How many orders were there in 2030?", "REFUSE");
    assert!(shown("How many orders in March?").starts_with("ASK "));
    check("orders in February 2024", "ASK number of orders | a list of them");
}

#[test]
fn words_with_two_meanings_are_asked_back() {
    check(
        "How many big orders?",
        "ASK big by amount (amount is more than 500 USD) | big by discount (discount is more than 50 USD)",
    );
    assert!(shown("Which country is best?").starts_with("ASK "));
}

#[test]
fn what_is_not_understood_is_refused_by_name() {
    check("How many invoices are overdue?", "REFUSE invoices overdue");
    check("What is our profit?", "REFUSE profit");
    check("", "REFUSE");
    check("drop table orders", "REFUSE");
    check("please delete all orders", "REFUSE");
    check("the", "REFUSE");
}

#[test]
fn small_slips_of_spelling_are_read_and_told() {
    let Plan::Answer(reading) = plan("How many custmers are there?") else { panic!("no answer") };
    assert_eq!(reading.understanding.text, "Number of customers.");
    assert_eq!(reading.corrections, [("custmers".to_owned(), "customers".to_owned())]);
}

#[test]
fn a_follow_up_changes_the_question_before() {
    let planner = planner();
    let ask = |question: &str, previous: Option<&pilothouse_domain::semantic::Query>| match planner
        .plan(question, &Context { today: date(2025, 3, 15), previous })
    {
        Plan::Answer(reading) => reading,
        other => panic!("{question}: {other:?}"),
    };
    let first = ask("How many completed orders were there in January 2024?", None);
    let second = ask("and in February 2024?", Some(&first.query));
    assert_eq!(
        second.understanding.text,
        "Number of orders, where status is completed and ordered at in February 2024."
    );
    let third = ask("by country", Some(&second.query));
    assert!(third.understanding.text.starts_with("Number of orders by country, where status is completed"));
    let fourth = ask("only returned", Some(&third.query));
    assert!(fourth.understanding.text.contains("status is returned"), "{}", fourth.understanding.text);
    assert!(!fourth.understanding.text.contains("completed"));
    let fifth = ask("what about revenue", Some(&fourth.query));
    assert!(fifth.understanding.text.starts_with("Revenue by country"), "{}", fifth.understanding.text);
    let fresh = ask("How many customers are there?", Some(&fourth.query));
    assert_eq!(fresh.understanding.text, "Number of customers.");
}

#[test]
fn numbers_are_held_against_each_other() {
    check(
        "How did revenue change from January 2024 to February 2024?",
        "Change of revenue from January 2024 to February 2024.",
    );
    check(
        "revenue in 2025 vs 2024 by country",
        "Change of revenue from 2024 to 2025 by country; highest change of revenue from 2024 to 2025 first.",
    );
    check("difference in revenue between France and Germany", "Change of revenue from Germany to France.");
    check(
        "month over month growth of revenue in 2024",
        "Change of revenue from the period before by month of ordered at, where ordered at in 2024; earliest first.",
    );
    check(
        "Why did revenue drop in February 2024?",
        "What made up the change of revenue from January 2024 to February 2024, by status and country; the first 10.",
    );
    check("revenue divided by the number of orders", "Revenue divided by number of orders.");
    check(
        "discount as a percentage of revenue by country",
        "Total discount as a percentage of revenue by country; highest total discount as a percentage of revenue first.",
    );
    check("drop all orders", "REFUSE");
}

#[test]
fn words_around_a_question_change_nothing() {
    check(
        "2024 revenue by country, lowest first",
        "Revenue by country, where ordered at in 2024; lowest revenue first.",
    );
    check("I need one figure for the board: how many orders are there?", "Number of orders.");
    check("rev by country", "Revenue by country; highest revenue first.");
    check(
        "How many orders since the start of February 2024?",
        "Number of orders, where ordered at is at least 1 Feb 2024.",
    );
    check("revenue by the customer's country", "Revenue by country; highest revenue first.");
    check("revenue in dollars", "Revenue.");
    check("revenue in euros", "REFUSE");
    // What cannot be done is not left out in silence.
    check("revenue by country in percent", "REFUSE");
    check("revenue by country, worst first", "REFUSE");
    check("list customers, largest first", "REFUSE");
}

#[test]
fn a_follow_up_can_recast_the_numbers() {
    let planner = planner();
    let ask = |question: &str, previous: Option<&pilothouse_domain::semantic::Query>| match planner
        .plan(question, &Context { today: date(2025, 3, 15), previous })
    {
        Plan::Answer(reading) => reading,
        other => panic!("{question}: {other:?}"),
    };
    let first = ask("revenue by country in 2025", None);
    let share = ask("as a share", Some(&first.query));
    assert!(share.understanding.text.starts_with("Percentage of the total revenue by country"), "{share:?}");
    let few = ask("top 2", Some(&first.query));
    assert!(few.understanding.text.ends_with("highest revenue first; the first 2."), "{few:?}");
    let against = ask("compared with 2024", Some(&first.query));
    assert!(against.understanding.text.starts_with("Change of revenue from 2024 to 2025 by country"), "{against:?}");
    // What cannot be compared is not quietly replaced.
    let plan = planner.plan("vs 2024", &Context { today: date(2025, 3, 15), previous: Some(&few.query) });
    assert!(!matches!(plan, Plan::Answer(_)), "{plan:?}");
}

#[test]
fn a_verified_question_is_answered_first_and_with_other_periods_and_values() {
    let mut model = model::shop();
    let Plan::Answer(known) = plan("revenue in January 2024 in France") else { panic!("no answer") };
    model.verified.push(VerifiedQuestion {
        question: "How is France doing, as the board counts it, in January 2024?".to_owned(),
        query: known.query.clone(),
        by: Some("ada".to_owned()),
        on: Some("2026-11-22".to_owned()),
    });
    let planner = Planner::new(Arc::new(model));
    let context = Context { today: date(2025, 3, 15), previous: None };
    let ask = |question: &str| planner.plan(question, &context);
    let Plan::Answer(same) = ask("how is France doing as the board counts it in January 2024") else {
        panic!("unknown")
    };
    assert_eq!(same.query, known.query);
    let mark = same.understanding.verified.expect("a mark");
    assert_eq!((mark.by.as_deref(), mark.on.as_deref()), (Some("ada"), Some("2026-11-22")));
    let Plan::Answer(other) = ask("How is Germany doing, as the board counts it, in March 2024?") else {
        panic!("unknown")
    };
    assert_eq!(other.understanding.text, "Revenue, where ordered at in March 2024 and country is Germany.");
    assert!(other.understanding.verified.is_some());
    for different in ["How is France doing?", "How is France doing, as the bank counts it, in January 2024?"] {
        assert!(!matches!(ask(different), Plan::Answer(_)), "{different}");
    }
}

/// The shop's model, with another metric, and `words` vouched for as what `question` means.
fn vouched(words: &str, question: &str) -> Planner {
    let mut model = model::shop();
    model.metrics.push(Metric {
        name: "order_volume".to_owned(),
        label: "order volume".to_owned(),
        synonyms: Vec::new(),
        measure: Measure::new("orders", Calculation::CountRows),
        unit: None,
        group_by: Vec::new(),
    });
    let reading = plan(question);
    assert!(matches!(reading, Plan::Answer(_)), "{question} is not answered");
    if let Plan::Answer(known) = reading {
        let question = words.to_owned();
        model.verified.push(VerifiedQuestion { question, query: known.query, by: None, on: None });
    }
    Planner::new(Arc::new(model))
}

#[test]
fn a_verified_question_is_answered_with_other_numbers_groups_and_metrics() {
    let context = Context { today: date(2025, 3, 15), previous: None };
    for (words, question, asked, answer) in [
        (
            "board: top 3 countries by revenue",
            "top 3 countries by revenue",
            "board: top 2 countries by revenue",
            "Revenue by country; highest revenue first; the first 2.",
        ),
        (
            "board revenue by country",
            "revenue by country",
            "board revenue by status",
            "Revenue by status; highest revenue first.",
        ),
        (
            "board revenue by country",
            "revenue by country",
            "board order volume by country",
            "Order volume by country; highest order volume first.",
        ),
        (
            "board revenue by country",
            "revenue by country",
            "board sales by customer",
            "Revenue by customer name; highest revenue first.",
        ),
        (
            "board revenue by month in 2024",
            "revenue by month in 2024",
            "board revenue by quarter in 2024",
            "Revenue by quarter of ordered at, where ordered at in 2024; earliest first.",
        ),
        (
            "board orders over 500 USD",
            "number of orders with an amount over 500 USD",
            "board orders over 90 USD",
            "Order volume, where amount is more than 90 USD.",
        ),
        (
            "board countries with more than 10 orders",
            "countries with more than 10 orders",
            "board countries with more than 25 orders",
            "Order volume by country, where order volume is more than 25; highest order volume first.",
        ),
    ] {
        let Plan::Answer(read) = vouched(words, question).plan(asked, &context) else {
            panic!("{asked} is not answered")
        };
        assert!(read.understanding.verified.is_some(), "{asked}");
        assert_eq!(read.understanding.text, answer, "{asked}");
    }
    // The words do not say the country that the number was vouched for with, so that another number is not.
    let hidden = vouched("board revenue by status", "revenue by status in France");
    assert!(matches!(hidden.plan("board revenue by status", &context), Plan::Answer(_)));
    assert!(!matches!(hidden.plan("board order volume by status", &context), Plan::Answer(_)));
    // Of two numbers that are the same, neither can be told from the other.
    let twice = vouched("board: 5 countries, 5 orders", "top 5 countries with more than 5 orders by revenue");
    assert!(!matches!(twice.plan("board: 5 countries, 4 orders", &context), Plan::Answer(_)));
}

#[test]
fn rows_that_refer_to_rows_of_their_own_kind_are_told_by_them() {
    let planner = Planner::new(Arc::new(model::staff()));
    let context = Context { today: date(2025, 3, 15), previous: None };
    for (question, answer) in [
        ("how many people by manager", "Number of people by manager name; highest number of people first."),
        ("how many people per manager's name", "Number of people by manager name; highest number of people first."),
        (
            "how many people by manager department",
            "Number of people by manager department; highest number of people first.",
        ),
        ("average salary by department", "Average salary by department; highest average salary first."),
        (
            "average salary by department of the manager",
            "Average salary by manager department; highest average salary first.",
        ),
        ("how many people by number of desks", "Number of people by number of desks; lowest number of desks first."),
        (
            "how many people by number of desks in steps of 10",
            "Number of people by number of desks in steps of 10; lowest number of desks first.",
        ),
    ] {
        match planner.plan(question, &context) {
            Plan::Answer(read) => assert_eq!(read.understanding.text, answer, "{question}"),
            other => panic!("{question}: {other:?}"),
        }
    }
    // Whose period it is nobody knows.
    let dated = planner.plan("how many people by number of desks in 2024", &context);
    assert!(matches!(dated, Plan::Refuse { .. }), "{dated:?}");
}

#[test]
fn choices_are_few_different_and_complete() {
    let Plan::Clarify { choices, question } = plan("How many big orders?") else { panic!("not asked back") };
    assert!((2..=4).contains(&choices.len()));
    assert!(question.contains("big by amount"));
    assert_ne!(choices[0].query, choices[1].query);
    assert_eq!(choices[0].message, "How many big orders, meaning big by amount?");
}

#[test]
fn the_message_of_a_choice_typed_by_hand_means_that_choice() {
    let planner = planner();
    let context = Context { today: date(2025, 3, 15), previous: None };
    for question in
        ["How many big orders?", "orders in February 2024", "Which country is best?", "How many orders in March?"]
    {
        let Plan::Clarify { choices, .. } = planner.plan(question, &context) else { panic!("{question}") };
        for choice in choices {
            let shouted = choice.message.to_uppercase();
            for message in [choice.message, shouted] {
                let Plan::Answer(reading) = planner.plan(&message, &context) else {
                    panic!("{message} is not answered")
                };
                assert_eq!(reading.query, choice.query, "{message}");
                assert_eq!(reading.understanding.text, choice.detail, "{message}");
            }
        }
    }
    check("How many big orders, meaning purple?", "REFUSE meaning purple");
    check("How many orders are there, meaning big by amount?", "REFUSE meaning");
}

#[test]
fn suggestions_are_questions_that_have_answers() {
    let Plan::Refuse { suggestions, reasons, .. } = plan("How many unicorns?") else { panic!("not refused") };
    assert_eq!(reasons, ["I do not know what “unicorns” means here."]);
    assert_eq!(suggestions, ["What is the revenue by status?", "How many customers are there?"]);
    for suggestion in suggestions {
        assert!(matches!(plan(&suggestion), Plan::Answer(_)), "{suggestion}");
    }
}

#[test]
fn a_long_text_is_refused_quickly() {
    let planner = planner();
    let context = Context { today: date(2025, 3, 15), previous: None };
    for text in ["orders ".repeat(2_400), "a".repeat(16_384), "(".repeat(16_384), "by country and ".repeat(250)] {
        let begun = Instant::now();
        assert!(matches!(planner.plan(&text, &context), Plan::Refuse { .. }));
        assert!(begun.elapsed() < Duration::from_secs(1));
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in ".{0,200}") {
        plan(&text);
    }

    #[test]
    fn no_mix_of_known_words_makes_it_panic(words in prop::collection::vec(prop::sample::select(vec![
        "how", "many", "orders", "customers", "by", "per", "each", "country", "status", "completed", "not", "never", "and",
        "or", "more", "than", "between", "5", "100", "$20", "in", "march", "2024", "top", "most", "highest", "average",
        "total", "amount", "revenue", "share", "of", "percentage", "rate", "which", "what", "is", "the", "when", "first",
        "last", "month", "week", "after", "8pm", "germany", "france", "big", "list", "compare", "vs", "missing", "phone",
        "daily", "to", "from", "best", "distinct", ",", "at least", "once", "with", "no", "'", "\"", "%",
    ]), 0..14)) {
        plan(&words.join(" "));
    }
}
