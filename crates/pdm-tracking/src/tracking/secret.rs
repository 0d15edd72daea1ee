//! Credentials of a client.

pub use pdm_core::domain::Secret;

/// Credentials of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// None.
    Anonymous,
    /// `Authorization: Bearer`.
    Token(Secret),
    /// `Authorization: Basic`.
    Password {
        /// Name of the user.
        username: String,
        /// The user's password.
        password: Secret,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_never_show_their_secret() {
        let password = Secret::new("hunter2\n");
        let credentials = Credentials::Password {
            username: "ann".into(),
            password,
        };
        assert!(
            !format!(
                "{credentials:?} {:#?}",
                Credentials::Token(Secret::new("hunter2"))
            )
            .contains("hunter2")
        );
    }
}
