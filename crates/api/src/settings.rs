//! The settings of the HTTP server.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `[server]`: where the program listens, and whom it answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Address and port.
    pub listen: SocketAddr,
    /// Host names it answers to, besides the loopback names and the address it listens on.
    pub allowed_hosts: Vec<String>,
    /// Other sites whose pages may ask for changes, for instance `https://tools.example.com`; they also get CORS.
    pub allowed_origins: Vec<String>,
    /// Proxies that end TLS in front of the program; their `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// TLS certificate chain, a PEM file.
    pub tls_certificate: Option<PathBuf>,
    /// TLS private key, a PEM file.
    pub tls_key: Option<PathBuf>,
    /// Largest body of a request, in bytes.
    pub max_body_bytes: usize,
    /// A name for this installation, as `/health` tells it.
    pub name: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080),
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            tls_certificate: None,
            tls_key: None,
            max_body_bytes: 1 << 20,
            name: "Pilothouse".to_owned(),
        }
    }
}

impl Settings {
    /// Whether browsers reach the program over TLS, of its own or of a declared proxy.
    pub fn is_secure(&self) -> bool {
        self.tls_certificate.is_some() || !self.trusted_proxies.is_empty()
    }
}
