//! Answers to questions, for the OpenAPI document. An answer is stored as JSON by the run that made it and goes out as
//! it was stored; the tests hold these shapes against real answers.
#![expect(dead_code, reason = "these types are described, never made")]

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::ToSchema;

/// An answer.
#[derive(ToSchema)]
pub struct AnswerDto {
    /// It, in a sentence.
    summary: String,
    /// What the reader should know besides.
    warnings: Vec<String>,
    /// The run that made it.
    run_id: String,
    /// Its kind and its content.
    #[serde(flatten)]
    answer: AnswerData,
}

/// What an answer holds, by its kind.
#[derive(ToSchema)]
#[serde(rename_all = "snake_case", tag = "response_type", content = "data")]
pub enum AnswerData {
    /// Rows.
    QueryResult(QueryResult),
    /// A question back.
    Clarification(Clarification),
    /// The question cannot be answered from the data.
    Refused(Refused),
    /// The query may not run.
    Blocked(Blocked),
    /// The query runs once somebody has agreed to it.
    ApprovalRequired(Waiting),
    /// The question could not be worked on.
    Error(Errors),
    /// A step failed after every try.
    PartialFailure(PartialFailure),
    /// The run goes on.
    Queued(Queued),
}

/// Rows, and everything about how they came to be.
#[derive(ToSchema)]
pub struct QueryResult {
    /// The rows: one value per column, by its name.
    rows: Vec<BTreeMap<String, Value>>,
    /// The columns, in order.
    columns: Vec<ResultColumn>,
    /// How many rows.
    row_count: u64,
    /// Whether rows were left out.
    truncated: bool,
    /// The SQL that ran.
    sql: String,
    /// The connection asked.
    connection_id: String,
    /// The tables read.
    tables: Vec<ReadTable>,
    /// Rows read from storage; null where the engine does not tell.
    #[schema(required)]
    rows_scanned: Option<u64>,
    /// Bytes read from storage, or expected to be where the engine does not tell.
    bytes_scanned: u64,
    /// Time of the query, in milliseconds.
    elapsed_ms: u64,
    /// Whether the rows were kept from an earlier question, on the same data, so that nothing was read for this one.
    cached: bool,
    /// When the rows were computed then; null where it was for this question.
    #[schema(required, format = DateTime)]
    computed_at: Option<String>,
    /// What it cost.
    cost: Cost,
    /// How the question was understood.
    understanding: Understanding,
    /// How to draw the rows; those of the comparison where there is one.
    chart: Chart,
    /// Where the question is for the first of several: what it is the first of; else null.
    #[schema(required)]
    comparison: Option<Comparison>,
    /// The reading as a semantic query.
    query: Value,
    /// The version of the semantic model it was read with; 0 is inferred.
    semantic_version: i64,
    /// Where whoever approved the query has changed it: the SQL that was asked for.
    #[schema(required)]
    asked_sql: Option<String>,
    /// Who has read the question; absent in answers that were made before that was told.
    read_by: Option<ReadBy>,
}

/// How the reading of a question came about.
#[derive(ToSchema)]
pub struct ReadBy {
    /// Who has read it.
    source: ReadingSource,
    /// How far the reading can be trusted.
    confidence: ReadingConfidence,
    /// What a model made of the question; null where none was asked.
    #[schema(required)]
    model: Option<ModelSaid>,
}

/// Who has read a question.
#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReadingSource {
    /// The planner alone, without a model.
    Heuristic,
    /// The planner, and a model beside it.
    HeuristicAndModel,
    /// A model, where the planner does not read it: nothing runs before somebody has picked it.
    Model,
}

/// How far a reading can be trusted.
#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReadingConfidence {
    /// Nothing speaks against it.
    High,
    /// Two read it differently, or nobody knows whether it is meant so.
    Low,
}

/// What a model made of a question.
#[derive(ToSchema)]
pub struct ModelSaid {
    /// Whether it reads it as the planner does; null where one of the two does not read it.
    #[schema(required)]
    agrees: Option<bool>,
    /// How it reads it; null where it does not.
    #[schema(required)]
    reading: Option<ModelReading>,
    /// The SQL that it would ask it with, where no reading says it; it passes the guard, and nobody has run it.
    #[schema(required)]
    sql: Option<String>,
    /// What it says to that, or why nothing came of it.
    says: String,
    /// The code of why nothing came of it; null where something did.
    #[schema(required)]
    code: Option<String>,
    /// Whose model it is.
    #[schema(required)]
    provider: Option<String>,
    /// The model, as it is called there.
    #[schema(required)]
    model: Option<String>,
    /// The version of what it was told to do, as `name@hash`.
    #[schema(required)]
    prompt: Option<String>,
    /// What asking it has cost, in US dollars.
    #[schema(required)]
    cost_usd: Option<f64>,
}

/// How a model reads a question.
#[derive(ToSchema)]
pub struct ModelReading {
    /// In words.
    text: String,
    /// As a semantic query: to ask with it, send it as `query`.
    query: Value,
}

/// The first few of what a question asks the first of.
#[derive(ToSchema)]
pub struct Comparison {
    /// The SQL that found them.
    sql: String,
    /// The rows, with the columns of the result.
    rows: Vec<BTreeMap<String, Value>>,
}

/// A column of a result.
#[derive(ToSchema)]
pub struct ResultColumn {
    /// Its name.
    name: String,
    /// Its type.
    #[serde(rename = "type")]
    data_type: DataType,
    /// Its unit; absent where it has none.
    unit: Option<String>,
    /// What it is for.
    role: ColumnRole,
    /// For a column of periods, their length: its values are the first day of each, or the number of the part.
    grain: Option<ColumnGrain>,
}

/// The length of periods, or the part of a date.
#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ColumnGrain {
    Year,
    Quarter,
    Month,
    Week,
    Day,
    Hour,
    Weekday,
    DayOfMonth,
    MonthOfYear,
    HourOfDay,
}

/// The type of a column.
#[derive(ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum DataType {
    Integer,
    Number,
    String,
    Boolean,
    Date,
    Timestamp,
    Other,
}

/// What a column of a result is for.
#[derive(ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ColumnRole {
    Dimension,
    Measure,
    Time,
}

/// A table that was read.
#[derive(ToSchema)]
pub struct ReadTable {
    /// Its name.
    name: String,
    /// Its rows, where known.
    #[schema(required)]
    rows: Option<u64>,
    /// When its data last changed, where known.
    #[schema(required)]
    updated_at: Option<String>,
}

/// What a query cost.
#[derive(ToSchema)]
pub struct Cost {
    /// Bytes read; null where the engine does not tell.
    #[schema(required)]
    bytes_scanned: Option<u64>,
    /// Bytes it was expected to read, where that was known.
    #[schema(required)]
    estimated_bytes: Option<u64>,
    /// Rows it was expected to read, where that was known.
    #[schema(required)]
    estimated_rows: Option<u64>,
    /// Milliseconds it was expected to take, by earlier queries of its shape; null where there were too few.
    #[schema(required)]
    estimated_ms: Option<u64>,
    /// US dollars, as a decimal; null where they depend on bytes that are not known.
    #[schema(required)]
    estimated_usd: Option<String>,
    /// How far the expectation can be relied upon.
    confidence: Confidence,
    /// What it rests on.
    basis: Basis,
}

/// How far an expectation can be relied upon.
#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    Low,
    Medium,
    High,
}

/// What an expectation rests on.
#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// The result is there already.
    Kept,
    /// What the files say of themselves.
    Footers,
    /// The sizes of whole files.
    Files,
    /// The planner of a database.
    Planner,
    /// Nothing is known.
    Nothing,
}

/// How a question was understood.
#[derive(ToSchema)]
pub struct Understanding {
    /// In one sentence.
    text: String,
    /// In parts.
    chips: Vec<Chip>,
    /// Who has vouched for the reading; absent where nobody has.
    verified: Option<Verified>,
}

/// That somebody has vouched for the reading of a question.
#[derive(ToSchema)]
pub struct Verified {
    /// Who.
    #[schema(required)]
    by: Option<String>,
    /// When.
    #[schema(required)]
    on: Option<String>,
    /// The question as it was verified.
    question: String,
}

/// One part of a reading.
#[derive(ToSchema)]
pub struct Chip {
    /// Which part.
    kind: ChipKind,
    /// Its name.
    label: String,
    /// Its value.
    value: String,
    /// What could stand in its place: to ask with one, send its `query`. Absent where there is nothing.
    alternatives: Option<Vec<Alternative>>,
}

/// Another value of a part of a reading.
#[derive(ToSchema)]
pub struct Alternative {
    /// It, in words.
    label: String,
    /// The question with it, as a semantic query.
    query: Value,
}

/// The parts of a reading.
#[derive(ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ChipKind {
    Table,
    Metric,
    Dimension,
    Filter,
    Period,
    Grain,
    Order,
    Limit,
}

/// How to draw rows.
#[derive(ToSchema)]
pub struct Chart {
    /// The form.
    kind: ChartKind,
    /// The column along the horizontal axis; absent where there is none.
    x: Option<String>,
    /// The columns whose values are drawn.
    y: Vec<String>,
    /// What it shows.
    title: String,
}

/// The forms a chart can take.
#[derive(ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ChartKind {
    Number,
    Bar,
    Line,
    None,
}

/// A question back.
#[derive(ToSchema)]
pub struct Clarification {
    /// It.
    question: String,
    /// What can be picked: send the question again with `reply_to` and `choice`.
    choices: Vec<Choice>,
    /// Who has read the question; absent in answers that were made before that was told.
    read_by: Option<ReadBy>,
}

/// One of the readings of an unclear question.
#[derive(ToSchema)]
pub struct Choice {
    /// Its id.
    id: String,
    /// It, in a few words.
    label: String,
    /// What sets it apart.
    detail: String,
    /// The question, asked so that it has only this reading.
    message: String,
    /// It, as a semantic query.
    query: Value,
}

/// Why a question cannot be answered.
#[derive(ToSchema)]
pub struct Refused {
    /// The reasons.
    reasons: Vec<String>,
    /// Words that mean nothing in this data.
    unknown_words: Vec<String>,
    /// What can be asked.
    suggestions: Vec<String>,
    /// Who has read the question; absent in answers that were made before that was told.
    read_by: Option<ReadBy>,
}

/// Why a query may not run.
#[derive(ToSchema)]
pub struct Blocked {
    /// The reasons.
    reasons: Vec<String>,
    /// What the gate says.
    gate: Gate,
    /// Who has read the question; absent in answers that were made before that was told.
    read_by: Option<ReadBy>,
}

/// A query that waits for somebody: exactly what would run, and what it is expected to take.
#[derive(ToSchema)]
pub struct Waiting {
    /// Its id; that of the run.
    preview_id: String,
    /// For whom it waits.
    waits_for: WaitsFor,
    /// Bytes it would read; 0 where that is not known.
    estimated_bytes: u64,
    /// What it would cost, in US dollars; 0 where that is not known.
    estimated_cost_usd: f64,
    /// The approval that it waits for; null where whoever asked decides.
    #[schema(required)]
    approval_id: Option<String>,
    /// The SQL that would run.
    sql: String,
    /// What to do.
    instructions: String,
    /// Why it waits.
    reasons: Vec<String>,
    /// What it is expected to take, in a sentence.
    expectation: String,
    /// The same as figures.
    cost: Cost,
    /// The connection asked.
    connection_id: String,
    /// How the question was understood.
    understanding: Understanding,
    /// The reading as a semantic query, with which it can be asked again.
    query: Value,
    /// Who has read the question; absent in answers that were made before that was told.
    read_by: Option<ReadBy>,
}

/// For whom a query waits.
#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WaitsFor {
    /// Whoever asked, who has not seen yet what it costs.
    Asker,
    /// A person who may approve it.
    Approver,
}

/// What a gate says.
#[derive(ToSchema)]
pub struct Gate {
    /// Whether a person's approval would let it run.
    approval_required: bool,
    /// What to do instead.
    #[schema(required)]
    next_action: Option<String>,
    /// Bytes it would read.
    #[schema(required)]
    estimated_bytes: Option<u64>,
    /// What it would cost, in US dollars.
    estimated_cost_usd: f64,
    /// Where the tenant has read what it may: bytes that it may read in an hour; else null.
    #[schema(required)]
    budget: Option<u64>,
    /// And what is left of them.
    #[schema(required)]
    bytes_remaining: Option<u64>,
}

/// What went wrong.
#[derive(ToSchema)]
pub struct Errors {
    /// In words.
    errors: Vec<String>,
    /// The stable code; absent where the reading itself was at fault.
    code: Option<String>,
    /// Who has read the question; absent in answers that were made before that was told.
    read_by: Option<ReadBy>,
}

/// What went wrong in every try.
#[derive(ToSchema)]
pub struct PartialFailure {
    /// The step that failed.
    step: String,
    /// How often it was tried.
    retry_count: i64,
    /// The stable code.
    code: Option<String>,
    /// In words.
    errors: Vec<String>,
}

/// Where to look for the answer.
#[derive(ToSchema)]
pub struct Queued {
    /// Always `queued`.
    workflow_status: String,
    /// The run's id.
    queue_id: String,
    /// Always 1.
    queue_position: i64,
    /// Why there is no answer yet.
    reason: String,
    /// The same in words.
    message: String,
    /// The run's id.
    run_id: String,
    /// Where the run stands.
    status: String,
}
