use super::*;

fn postal() -> PostalAddress {
    PostalAddress {
        name: Some("Ann Lee".to_owned()),
        line1: "1 Main St".to_owned(),
        line2: None,
        city: Some("Springfield".to_owned()),
        region: None,
        postal_code: Some("12345".to_owned()),
        country: Some("US".to_owned()),
    }
}

#[test]
fn a_text_comes_back_as_it_was_given() {
    for text in [
        "123 Demo St",
        " 1 Main St\nFlat 2\n",
        "東京都",
        &"é".repeat(500),
    ] {
        assert_eq!(Address::text(text), Ok(Address::Text(text.to_owned())));
    }
}

#[test]
fn a_text_is_short_visible_and_not_blank() {
    for (wrong, error) in [
        ("", AddressError::BlankText),
        (" \n\u{3000}", AddressError::BlankText),
        ("a\0", AddressError::TextControl),
        ("a\r\nb", AddressError::TextControl),
        ("a\tb", AddressError::TextControl),
        ("a\u{85}b", AddressError::TextControl),
        (&"é".repeat(501), AddressError::TextTooLong),
    ] {
        assert_eq!(Address::text(wrong), Err(error), "{wrong:?}");
    }
}

#[test]
fn fields_are_short_and_of_one_line() {
    assert_eq!(Address::postal(postal()), Ok(Address::Postal(postal())));

    let long = PostalAddress {
        city: Some("x".repeat(201)),
        ..postal()
    };
    let lines = PostalAddress {
        postal_code: Some("1\n2".to_owned()),
        ..postal()
    };
    let blank = PostalAddress {
        line1: " ".to_owned(),
        ..postal()
    };

    assert_eq!(
        long.checked(),
        Err(AddressError::FieldTooLong { field: "city" })
    );
    assert_eq!(
        lines.checked(),
        Err(AddressError::FieldControl {
            field: "postalCode"
        })
    );
    assert_eq!(blank.checked(), Err(AddressError::BlankLine1));
}

#[test]
fn a_country_is_two_upper_case_letters() {
    for wrong in ["", "de", "DEU", "D", "D1", "ÄÖ", "Ä"] {
        let country = Some(wrong.to_owned());
        let address = PostalAddress {
            country,
            ..postal()
        };
        assert_eq!(address.checked(), Err(AddressError::Country), "{wrong:?}");
    }
}

#[cfg(feature = "serde")]
mod json {
    use super::*;

    #[test]
    fn both_shapes_come_back_as_they_were_given() {
        for json in [
            r#""123 Demo St""#,
            r#"{"line1":"1 Main St"}"#,
            r#"{"name":"Ann Lee","line1":"1 Main St","city":"Springfield","postalCode":"12345","country":"US"}"#,
        ] {
            let address: Address = serde_json::from_str(json).unwrap();
            assert_eq!(serde_json::to_string(&address).unwrap(), json);
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (json, message) in [
            ("\" \"", "an address is not blank"),
            (
                r#"{"line1":"1 Main St","country":"de"}"#,
                "country of an address is two upper-case",
            ),
            (
                r#"{"line1":"1 Main St","zip":"1"}"#,
                "unknown field `zip`, expected one of `name`",
            ),
            (r#"{"city":"Bonn"}"#, "missing field `line1`"),
            (
                "5",
                "invalid type: integer `5`, expected an address: a string, or an object with",
            ),
            ("null", "invalid type: null, expected an address"),
            (
                r#"["1 Main St"]"#,
                "invalid type: sequence, expected an address",
            ),
            (r#"{"line1":"a","line1":"b"}"#, "duplicate field `line1`"),
        ] {
            let error = serde_json::from_str::<Address>(json)
                .unwrap_err()
                .to_string();
            assert!(error.starts_with(message), "{json} says {error}");
        }
    }
}
