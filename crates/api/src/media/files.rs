//! Files that are no pictures: what they may be, and how they are sent.
//!
//! They are sent to be saved, never to be shown, and nothing is taken that a browser would run: no HTML, no SVG, no script.

use actix_web::http::header::{
    Charset, ContentDisposition, DispositionParam, DispositionType, ExtendedValue,
};

use super::picture::Kind;

/// So many bytes tell what a file is.
pub const HEAD: u64 = 16 * 1024;

/// What may be kept, and the end of its name.
pub const KINDS: [(&str, &str); 12] = [
    ("application/pdf", "pdf"),
    ("application/zip", "zip"),
    (
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "docx",
    ),
    (
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "xlsx",
    ),
    (
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "pptx",
    ),
    ("application/vnd.oasis.opendocument.text", "odt"),
    ("application/vnd.oasis.opendocument.spreadsheet", "ods"),
    ("application/vnd.oasis.opendocument.presentation", "odp"),
    ("application/epub+zip", "epub"),
    ("audio/mpeg", "mp3"),
    ("video/mp4", "mp4"),
    ("video/webm", "webm"),
];

/// What a file is by its first bytes, where it is one of [`KINDS`].
#[must_use]
pub fn kind(head: &[u8]) -> Option<&'static str> {
    let found = infer::get(head)?.mime_type();
    let known = KINDS.into_iter().find(|(kind, _)| *kind == found);
    known.map(|(kind, _)| kind)
}

/// The end of the name of a picture or of another file.
#[must_use]
pub fn extension(content_type: &str) -> Option<&'static str> {
    if let Some(picture) = Kind::of_content_type(content_type) {
        return Some(picture.extension());
    }
    let known = KINDS.into_iter().find(|(kind, _)| *kind == content_type);
    known.map(|(_, extension)| extension)
}

/// Has a browser save a file under what staff calls it, with the end that its bytes give it. `original` is what it is called
/// where that is nothing.
#[must_use]
pub fn to_be_saved(called: &str, original: &str) -> ContentDisposition {
    let end = original.rsplit_once('.').map_or("", |(_, end)| end);
    let stem = called.strip_suffix(end).unwrap_or(called);
    // No way into another folder, and no hidden file.
    let is_odd = |c: char| c.is_control() || "/\\:*?\"<>|%;".contains(c);
    let stem = stem.replace(is_odd, "_");
    let stem = stem.trim_matches(|c: char| c == '.' || c.is_whitespace());
    let name = match stem {
        "" => original.to_owned(),
        stem => format!("{stem}.{end}"),
    };
    let is_plain = name.is_ascii();
    let plain = if is_plain {
        name.clone()
    } else {
        original.to_owned()
    };
    let mut parameters = vec![DispositionParam::Filename(plain)];
    if !is_plain {
        parameters.push(DispositionParam::FilenameExt(ExtendedValue {
            charset: Charset::Ext("UTF-8".into()),
            language_tag: None,
            value: name.into_bytes(),
        }));
    }
    ContentDisposition {
        disposition: DispositionType::Attachment,
        parameters,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_its_bytes_say_and_only_of_few_kinds() {
        assert_eq!(kind(b"%PDF-1.7\n"), Some("application/pdf"));
        assert_eq!(kind(b"PK\x03\x04\x14\0\0\0"), Some("application/zip"));
        for other in [
            &b"<!DOCTYPE html><script>x()</script>"[..],
            b"<?xml version=\"1.0\"?><svg xmlns=\"http://www.w3.org/2000/svg\"/>",
            b"<svg onload=x()>",
            b"MZ\x90\0",
            b"\x7fELF\x02\x01\x01",
            b"#!/bin/sh\n",
            b"GIF89a\x01\0\x01\0",
            b"\xff\xd8\xff\xe0\0\x10JFIF",
            b"just a text",
            b"",
        ] {
            assert_eq!(kind(other), None, "{other:?}");
        }
    }

    #[test]
    fn a_file_is_saved_under_its_name_and_nowhere_else() {
        for (called, saved) in [
            ("", "attachment; filename=\"original.pdf\""),
            ("Manual.pdf", "attachment; filename=\"Manual.pdf\""),
            ("Manual", "attachment; filename=\"Manual.pdf\""),
            ("page.html", "attachment; filename=\"page.html.pdf\""),
            ("../../etc/x\"y", "attachment; filename=\"_.._etc_x_y.pdf\""),
            (
                "Anleitung für 茶",
                "attachment; filename=\"original.pdf\"; filename*=UTF-8''Anleitung%20f%C3%BCr%20%E8%8C%B6.pdf",
            ),
        ] {
            let sent = to_be_saved(called, "original.pdf").to_string();
            assert_eq!(sent, saved, "{called}");
        }
    }
}
