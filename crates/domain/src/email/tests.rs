use super::*;
use proptest::prelude::*;

fn normalised(text: &str) -> Result<String, EmailError> {
    Email::try_from(text).map(|email| email.normalised().to_owned())
}

#[test]
fn what_reaches_one_mailbox_is_one_address() {
    for (given, same) in [
        ("ann@example.com", "ANN@Example.COM"),
        ("ann@bücher.example", "ann@xn--bcher-kva.example"),
        ("ann@bücher.example", "ann@BU\u{308}CHER.example"),
        ("kim@example.com", "\u{ff2b}im@example.com"),
        ("office@example.com", "o\u{fb03}ce@example.com"),
        ("jürgen@example.com", "JU\u{308}RGEN@example.com"),
        ("иван@example.com", "ИВАН@example.com"),
    ] {
        assert_eq!(normalised(given), normalised(same), "{given} and {same}");
        assert!(normalised(given).is_ok(), "{given}");
    }
}

#[test]
fn tags_and_dots_are_part_of_the_name() {
    assert_ne!(
        normalised("a.nn@example.com"),
        normalised("ann@example.com")
    );
    assert_ne!(
        normalised("ann+shop@example.com"),
        normalised("ann@example.com")
    );
}

#[test]
fn the_address_is_kept_as_it_was_given() {
    let given = "Ann+Shop@Example.COM";
    assert_eq!(Email::try_from(given).unwrap().to_string(), given);
}

#[test]
fn what_cannot_be_seen_is_refused() {
    for wrong in [
        " ann@example.com",
        "ann@example.com\n",
        "an n@example.com",
        "ann\0@example.com",
        "a\u{200b}nn@example.com",
        "\u{202e}ann@example.com",
        "ann@exam\u{ad}ple.com",
        "ann\u{feff}@example.com",
        "ann@exam\u{200d}ple.com",
        "a\u{3000}b@example.com",
    ] {
        assert_eq!(normalised(wrong), Err(EmailError::Unseen), "{wrong:?}");
    }
}

#[test]
fn there_is_one_at() {
    for wrong in [
        "",
        "ann",
        "a@b@example.com",
        "ann@@example.com",
        "ann@example.com@",
    ] {
        assert_eq!(normalised(wrong), Err(EmailError::At), "{wrong:?}");
    }
}

#[test]
fn the_local_part_is_plain() {
    for (wrong, error) in [
        ("@example.com", EmailError::LocalLength),
        (".ann@example.com", EmailError::LocalDots),
        ("ann.@example.com", EmailError::LocalDots),
        ("a..nn@example.com", EmailError::LocalDots),
        ("\"ann\"@example.com", EmailError::LocalCharacter),
        ("ann,bob@example.com", EmailError::LocalCharacter),
        ("<ann@example.com", EmailError::LocalCharacter),
        ("ann☃@example.com", EmailError::LocalCharacter),
        // Normal form KC would make these `@`, `..` and a space.
        ("a\u{ff20}b@example.com", EmailError::LocalCharacter),
        ("a\u{2025}b@example.com", EmailError::LocalCharacter),
        ("a\u{b4}b@example.com", EmailError::LocalCharacter),
    ] {
        assert_eq!(normalised(wrong), Err(error), "{wrong:?}");
    }
}

#[test]
fn letters_that_imitate_others_are_refused() {
    // Cyrillic а, Turkish ı, Greek ο.
    for wrong in [
        "p\u{430}ypal@example.com",
        "\u{131}an@example.com",
        "b\u{3bf}b@example.com",
    ] {
        assert_eq!(
            normalised(wrong),
            Err(EmailError::MixedScripts),
            "{wrong:?}"
        );
    }
}

#[test]
fn the_domain_is_the_name_of_a_host() {
    for wrong in [
        "ann@",
        "ann@.example",
        "ann@example.",
        "ann@exa..mple",
        "ann@-example.com",
        "ann@exa_mple.com",
        "ann@[127.0.0.1]",
        "ann@exa%mple",
        "ann@xn--a",
    ] {
        assert_eq!(normalised(wrong), Err(EmailError::Domain), "{wrong:?}");
    }
}

#[test]
fn lengths_are_those_of_mail_servers() {
    let domain = format!(
        "{}.{}.{}.com",
        "d".repeat(63),
        "d".repeat(63),
        "d".repeat(57)
    );
    let local = |bytes| "a".repeat(bytes);

    assert!(normalised(&format!("{}@{domain}", local(64))).is_ok());
    assert_eq!(
        normalised(&format!("{}@d{domain}", local(64))),
        Err(EmailError::TooLong)
    );
    assert_eq!(
        normalised(&format!("{}@a.de", local(65))),
        Err(EmailError::LocalLength)
    );
    assert_eq!(
        normalised(&format!("a@{}.de", "d".repeat(64))),
        Err(EmailError::Domain)
    );
    assert_eq!(normalised(&local(100_000)), Err(EmailError::TooLong));
}

#[cfg(feature = "serde")]
#[test]
fn json_has_the_address_as_given() {
    let json = "\"Ann@Example.com\"";
    let email: Email = serde_json::from_str(json).unwrap();
    assert_eq!(serde_json::to_string(&email).unwrap(), json);
    let error = serde_json::from_str::<Email>("\"ann\"").unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("an e-mail address has exactly one @")
    );
}

proptest! {
    #[test]
    fn the_normalised_form_is_an_address_that_normalises_to_itself(
        text in "[A-Za-z0-9.+]{1,8}@[a-zA-Z0-9ü.-]{1,12}|[àéüА-Яа-я]{1,5}@[a-z]{1,5}|\\PC{1,6}@\\PC{1,6}",
    ) {
        if let Ok(once) = normalised(&text) {
            prop_assert_eq!(normalised(&once), Ok(once));
        }
    }

    #[test]
    fn no_text_makes_parsing_panic(text: String) {
        let _ = Email::try_from(text);
    }
}
