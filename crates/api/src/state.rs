//! What every handler has at hand.

use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusHandle;
use pilothouse_app::App;

use crate::{Settings, telemetry};

/// The application, the server's settings, and the metrics to show.
pub struct State {
    /// The use cases.
    pub app: Arc<App>,
    /// The server's settings.
    pub settings: Settings,
    pub(crate) metrics: PrometheusHandle,
}

impl State {
    /// Puts them together.
    pub fn new(app: Arc<App>, settings: Settings) -> Arc<Self> {
        Arc::new(Self { app, settings, metrics: telemetry::metrics() })
    }
}
