//! The TLS provider of all connections.

/// Installs the TLS provider of this process; one that was installed before stays.
pub fn install_provider() {
    let _installed_before = rustls::crypto::ring::default_provider().install_default();
}
