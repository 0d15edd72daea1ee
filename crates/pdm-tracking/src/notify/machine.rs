//! Recognizes addresses of this machine.

use std::net::IpAddr;

/// Returns whether a host is this machine.
pub(super) fn is_this_machine(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost")
        || bare
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_this_machine() {
        assert!(
            ["localhost", "127.0.0.1", "127.8.8.8", "[::1]", "::1"]
                .iter()
                .all(|host| is_this_machine(host))
        );
        assert!(
            ["127.evil.example", "10.0.0.1", "localhost.example", ""]
                .iter()
                .all(|host| !is_this_machine(host))
        );
    }
}
