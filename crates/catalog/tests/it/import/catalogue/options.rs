//! What options and their values are called.

use catalog::import::{Form, How, Spelling};
use catalog::translations::options;
use serde_json::json;

use super::super::whole::{locale, read, refusals};
use super::{OPTIONS, outcomes};
use crate::conn;

/// Labels in some of 676 languages.
fn languages(which: std::ops::Range<u8>) -> serde_json::Value {
    let letter = |n: u8| char::from(b'a' + n);
    let label = |n: u8| (format!("{}{}", letter(n / 26), letter(n % 26)), json!("x"));
    serde_json::Value::Object(which.map(label).collect())
}

#[test]
fn labels_are_added_changed_and_bounded() {
    let conn = &mut conn();
    let file =
        "option,value,label@de,label@FR\nColour,,Farbe,\nColour,red,Rot,Rouge\n Colour ,blue,,\n";
    let (done, told) = read(conn, file, OPTIONS, How::default());
    assert_eq!(
        outcomes(&told),
        [
            ("Colour", "created"),
            ("Colour: red", "created"),
            ("Colour: blue", "unchanged")
        ]
    );
    assert_eq!(done.refused, 0);
    let (version, _) = options::list(conn, "Colour").unwrap();
    assert_eq!(version, 1, "one change of all words of a chunk");
    let (done, _) = read(
        conn,
        "option,value,label@de\nColour,red,Hellrot\n",
        OPTIONS,
        How::default(),
    );
    assert_eq!(done.updated, 1);
    let (version, all) = options::list(conn, "Colour").unwrap();
    let said: Vec<_> = all
        .iter()
        .map(|(of, texts)| (of.as_str(), texts.values.get("red")))
        .collect();
    assert_eq!(version, 2);
    assert_eq!(
        said,
        [
            ("de", Some(&"Hellrot".to_owned())),
            ("fr", Some(&"Rouge".to_owned()))
        ]
    );

    let long = "x".repeat(101);
    for (row, field) in [
        (json!({"option": "", "labels": {"de": "x"}}), "option"),
        (json!({"option": long, "labels": {"de": "x"}}), "option"),
        (
            json!({"option": "Size", "value": long, "labels": {"de": "x"}}),
            "value",
        ),
        (
            json!({"option": "Size", "labels": {"de": long}}),
            "labels.de",
        ),
        (
            json!({"option": "Size", "labels": {"de": "a\u{7}"}}),
            "labels.de",
        ),
        (
            json!({"option": "Size", "labels": {"deutsch": "x"}}),
            "labels.deutsch",
        ),
        (
            json!({"option": "Size", "labels": {"de": "A", "DE": "B"}}),
            "labels.de",
        ),
        (
            json!({"option": "Size", "labels": languages(0..201)}),
            "labels",
        ),
        (json!({"option": "Size", "labels": {"de": 5}}), "line"),
        (json!({"option": "Size", "name": "x"}), "line"),
    ] {
        let refused = refusals(conn, &row.to_string(), Form::Options(Spelling::Ndjson));
        assert_eq!(refused.len(), 1, "{row}");
        assert_eq!(refused[0].0, field, "{row}: {}", refused[0].1);
    }
    assert_eq!(options::list(conn, "Size").unwrap().1, []);
    let twice = "option,value,label@de\nSize,M,m\nSize, M ,n\n";
    assert_eq!(refusals(conn, twice, OPTIONS)[0].0, "value");

    let mut many = "option,value,label@it\n".to_owned();
    for n in 0..2_001 {
        many += &format!("Shade,{n},{n}\n");
    }
    let refused = refusals(conn, &many, OPTIONS);
    let rule = "there are at most 2000 values of an option";
    assert_eq!(refused, [("label@it".to_owned(), rule.to_owned())]);
    let lines = [("a", 0..150), ("b", 140..200), ("c", 199..201)];
    let lines = lines.map(|(value, which)| {
        json!({"option": "Tone", "value": value, "labels": languages(which)}).to_string()
    });
    let refused = refusals(conn, &lines.join("\n"), Form::Options(Spelling::Ndjson));
    let rule = "there are at most 200 languages";
    assert_eq!(refused, [("labels.hs".to_owned(), rule.to_owned())]);
    assert_eq!(options::list(conn, "Tone").unwrap().1.len(), 200);
    let texts = options::list(conn, "Shade").unwrap().1.remove(0);
    assert_eq!(
        (texts.0, texts.1.values.len()),
        (locale("it").to_string(), 2_000)
    );
}
