//! Where logs and traces go: logs to standard error, traces to an OpenTelemetry collector where one is configured.
//!
//! It must not know what is told: spans of the target [`TRACE`] are exported, events are logged.

use std::fmt;
use std::io::IsTerminal as _;
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use http::{Request, Response};
use opentelemetry::trace::TracerProvider;
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use pilothouse_domain::TRACE;
use pilothouse_outbound::{Client, Options, Reach};
use tokio::runtime::Handle;
use tracing::field::{Field, Visit};
use tracing::{Level, Subscriber};
use tracing_subscriber::field::{RecordFields, VisitOutput};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::{DefaultVisitor, Writer};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry};

use crate::config::{Config, Format, Log, Telemetry};

/// Longest time of one export.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(10);
/// The path of traces below a collector's address, as the protocol has it.
const TRACES_PATH: &str = "v1/traces";

/// The exporter of traces; what it still holds goes out when this is dropped.
pub struct Traces(Option<SdkTracerProvider>);

impl Drop for Traces {
    fn drop(&mut self) {
        if let Some(error) = self.0.take().and_then(|provider| provider.shutdown().err()) {
            tracing::warn!("the last traces could not be exported: {error}");
        }
    }
}

/// Begins to log, and to export traces where a collector is configured. Everything is told while serving; other
/// commands log only what is wrong, and export nothing.
pub fn start(config: &Config, serving: bool, runtime: &Handle) -> Result<Traces> {
    let provider = match &config.telemetry.otlp_endpoint {
        Some(endpoint) if serving => Some(provider(endpoint, &config.telemetry, runtime)?),
        _ => None,
    };
    let traces = provider.as_ref().map(|provider| {
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("pilothouse"));
        let layer = layer.with_location(false).with_threads(false).with_target(false).with_tracked_inactivity(false);
        layer.with_filter(Targets::new().with_target(TRACE, Level::DEBUG))
    });
    Registry::default().with(logs(&config.log, serving)).with(traces).init();
    Ok(Traces(provider))
}

fn logs<S>(log: &Log, serving: bool) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let level = if serving { log.level.clone() } else { "warn".to_owned() };
    let wanted = EnvFilter::try_from_env("RUST_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    // Colours are for people: what goes to a file is read by programs.
    let colours = std::io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(colours);
    match log.format {
        Format::Json => lines.json().flatten_event(true).with_filter(wanted).boxed(),
        Format::Text => lines.with_target(false).fmt_fields(Undotted).with_filter(wanted).boxed(),
    }
}

/// Writes fields as the library does, without those for tracing backends.
struct Undotted;

impl<'writer> FormatFields<'writer> for Undotted {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'writer>, fields: R) -> fmt::Result {
        let mut visitor = UndottedVisitor(DefaultVisitor::new(writer, true));
        fields.record(&mut visitor);
        visitor.0.finish()
    }
}

struct UndottedVisitor<'writer>(DefaultVisitor<'writer>);

impl Visit for UndottedVisitor<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        if !field.name().contains('.') {
            self.0.record_str(field, value);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if !field.name().contains('.') {
            self.0.record_debug(field, value);
        }
    }
}

fn provider(endpoint: &str, settings: &Telemetry, runtime: &Handle) -> Result<SdkTracerProvider> {
    let options = Options { reach: Reach::Anywhere, timeout: EXPORT_TIMEOUT, retries: 0, ..Options::default() };
    let client = Collector { client: Client::new(options)?, runtime: runtime.clone() };
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(client)
        .with_protocol(Protocol::HttpBinary)
        .with_timeout(EXPORT_TIMEOUT)
        .with_endpoint([endpoint.trim_end_matches('/'), TRACES_PATH].join("/"))
        .build()
        .context("the export of traces cannot be set up")?;
    let resource = Resource::builder().with_service_name(settings.service_name.clone());
    let resource =
        resource.with_attribute(opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION"))).build();
    opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());
    // A trace that the caller began is kept or left as the caller decided.
    let sampler =
        Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(f64::from(settings.sample_percent) / 100.0)));
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).with_sampler(sampler).build())
}

/// The way to the collector. The exporter has a thread of its own, so the calls are made on the program's runtime.
#[derive(Debug)]
struct Collector {
    client: Client,
    runtime: Handle,
}

#[async_trait::async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        Ok(self.runtime.spawn(async move { client.send(request).await }).await??)
    }
}
