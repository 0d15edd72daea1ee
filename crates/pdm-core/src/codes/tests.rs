use super::*;

#[test]
fn a_code_is_named_with_or_without_its_letter() {
    for text in ["E0107", "e0107", "0107", "107", " E0107\n"] {
        assert_eq!(Code::named(text), Some(Code::UnknownKey), "{text}");
    }
    for text in [
        "", "E", "E0000", "E9999", "E00107", "-107", "+107", "65643", "gate",
    ] {
        assert_eq!(Code::named(text), None, "{text}");
    }
    assert_eq!(serde_json::to_value(Code::UnknownKey).unwrap(), "E0107");
}

#[test]
fn a_message_can_be_shown_without_its_code() {
    assert_eq!(
        unmarked("error[E0107]: unknown key `a]: b`"),
        "unknown key `a]: b`"
    );
    for message in ["error[E9999]: x", "error: x", "a error[E0107]: x", ""] {
        assert_eq!(unmarked(message), message);
    }
}

#[test]
fn what_was_meant_is_near() {
    assert_eq!(
        Code::near("E0169"),
        [Code::NoOpponent, Code::Unencrypted, Code::SystemRefuses]
    );
    assert!(
        Code::near("manifold").is_empty()
            && Code::near("").is_empty()
            && Code::near("E0999").is_empty()
    );
    assert_eq!(Code::near("Stack"), [Code::StackMembers]);
}

#[test]
fn every_code_belongs_to_a_group() {
    assert!(
        Code::ALL
            .iter()
            .all(|code| !code.group().is_empty() && Code::named(&code.to_string()) == Some(*code))
    );
}
