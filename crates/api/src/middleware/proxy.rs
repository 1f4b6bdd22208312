//! Who really sends a request: forwarded addresses are believed only from proxies that the settings name.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, Request};

use crate::Settings;

/// The sender's address, as far as it is known.
pub fn sender(settings: &Settings, request: &Request) -> Option<IpAddr> {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip())?;
    if !settings.trusted_proxies.contains(&peer) {
        return Some(peer);
    }
    let forwarded = request.headers().get("x-forwarded-for").and_then(|value| value.to_str().ok()).unwrap_or("");
    // The last address that no trusted proxy wrote: everything before it could have been made up by the sender.
    let hops = forwarded.rsplit(',').filter_map(|hop| hop.trim().parse().ok());
    hops.into_iter().find(|hop| !settings.trusted_proxies.contains(hop)).or(Some(peer))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    fn from(peer: &str, forwarded: &str, trusted: &[&str]) -> Option<IpAddr> {
        let settings =
            Settings { trusted_proxies: trusted.iter().map(|ip| ip.parse().unwrap()).collect(), ..Settings::default() };
        let mut request = Request::builder().header("x-forwarded-for", forwarded).body(Body::empty()).unwrap();
        request.extensions_mut().insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 1)));
        sender(&settings, &request)
    }

    #[test]
    fn only_declared_proxies_are_believed() {
        assert_eq!(from("9.9.9.9", "1.2.3.4", &[]), "9.9.9.9".parse().ok());
        assert_eq!(from("10.0.0.1", "6.6.6.6, 1.2.3.4", &["10.0.0.1"]), "1.2.3.4".parse().ok());
        assert_eq!(from("10.0.0.1", "1.2.3.4, 10.0.0.2", &["10.0.0.1", "10.0.0.2"]), "1.2.3.4".parse().ok());
        assert_eq!(from("10.0.0.1", "nonsense", &["10.0.0.1"]), "10.0.0.1".parse().ok());
    }
}
