//! Signatures of webhooks.

use ring::hmac;

use pdm_core::domain::Secret;

/// Returns the signature of a body sent at a time: `sha256=` and the HMAC-SHA256 of `<seconds since 1970>.<body>`, in hex.
///
/// The time is signed, too, so that a recorded notice cannot be replayed later.
pub(super) fn sign(secret: &Secret, seconds: i64, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
    let mut context = hmac::Context::with_key(&key);
    context.update(format!("{seconds}.").as_bytes());
    context.update(body);
    let hex: String = context
        .sign()
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("sha256={hex}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_openssl() {
        // printf '%s' '1764324000.{"a":1}' | openssl dgst -sha256 -hmac key
        let seen = sign(&Secret::new("key"), 1_764_324_000, b"{\"a\":1}");
        assert_eq!(
            seen,
            "sha256=ca4a266d594129d742c89a257fe422512aa0567e3b29df4ec2d8b77508877f4f"
        );
    }
}
