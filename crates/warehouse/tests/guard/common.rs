//! What the guard's tests share: the sample catalogs, and corpora read from text files.

use pilothouse_domain::catalog::{Catalog, Column, DataType, Dialect, Table};
use pilothouse_warehouse::guard::access::Access;
use pilothouse_warehouse::guard::{Limits, Policy, Report, check};

const TABLES: &str = "
flights: year:i month:i day:i dep_time:n sched_dep_time:i dep_delay:n arr_time:n sched_arr_time:i arr_delay:n carrier:s flight:i tailnum:s origin:s dest:s air_time:n distance:n hour:i minute:i time_hour:t
airlines: carrier:s name:s
airports: faa:s name:s lat:n lon:n alt:n tz:n dst:s tzone:s
planes: tailnum:s year:i type:s manufacturer:s model:s engines:i seats:i speed:n engine:s
weather: origin:s year:i month:i day:i hour:i temp:n dewp:n humid:n wind_dir:n wind_speed:n wind_gust:n precip:n pressure:n visib:n time_hour:t
customers: customer_id:i first_name:s last_name:s email:s phone:s city:s country:s segment:s signed_up_at:d
products: product_id:i name:s category:s brand:s unit_price:n active:b
orders: order_id:i customer_id:i ordered_at:t status:s channel:s payment_method:s discount:n shipping_cost:n total_amount:n
order_items: order_id:i line_no:i product_id:i quantity:i unit_price:n amount:n
events: event_id:i customer_id:i event_type:s device:s occurred_at:t
";

/// The sample tables in a dialect.
pub fn catalog(dialect: Dialect) -> Catalog {
    let tables = TABLES.trim().lines().map(|line| {
        let (name, columns) = line.split_once(": ").unwrap();
        Table {
            schema: (dialect == Dialect::PostgreSql).then(|| "public".to_owned()),
            name: name.to_owned(),
            row_count: None,
            bytes: None,
            updated_at: None,
            columns: columns.split(' ').map(column).collect(),
            primary_key: Vec::new(),
            foreign_keys: Vec::new(),
        }
    });
    Catalog { dialect, tables: tables.collect() }
}

fn column(text: &str) -> Column {
    let (name, kind) = text.split_once(':').unwrap();
    let data_type = match kind {
        "i" => DataType::Integer,
        "n" => DataType::Number,
        "s" => DataType::String,
        "b" => DataType::Boolean,
        "d" => DataType::Date,
        _ => DataType::Timestamp,
    };
    Column {
        name: name.to_owned(),
        data_type,
        engine_type: kind.to_owned(),
        nullable: true,
        distinct: None,
        values: None,
        min: None,
        max: None,
        personal: None,
    }
}

/// The verdict on one statement over the sample tables.
pub fn verdict(sql: &str, dialect: Dialect) -> Report {
    let catalog = catalog(dialect);
    check(sql, &Policy { catalog: &catalog, access: &Access::open(), limits: &Limits::default() })
}

/// One statement of a corpus: what is expected of it, and its text.
pub struct Case {
    /// `allow`, or `block` with a reason's code.
    pub expected: String,
    pub sql: String,
}

/// Statements are parted by empty lines; a line that begins with `==` says what is expected of those after it.
/// `<U+200B>` stands for the character of that number.
pub fn cases(text: &str) -> Vec<Case> {
    let mut expected = String::new();
    let mut out = Vec::new();
    for block in text.split("\n\n") {
        let block = block.trim_matches('\n');
        if let Some(heading) = block.strip_prefix("==") {
            expected = heading.trim().to_owned();
        } else if !block.is_empty() {
            out.push(Case { expected: expected.clone(), sql: unescape(block) });
        }
    }
    out
}

fn unescape(text: &str) -> String {
    let mut parts = text.split("<U+");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (code, rest) = part.split_once('>').unwrap();
        out.push(char::from_u32(u32::from_str_radix(code, 16).unwrap()).unwrap());
        out.push_str(rest);
    }
    out
}
