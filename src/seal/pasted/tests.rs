//! Texts around an AuthID, and texts that hold none.

use super::*;

const AUTHID: &str = "v2:googledrive:eyJlbmMiOiJBMjU2R0NNIiwia2lkIjoicGFnZTJraWQiLCJhbGciOiJkaX\
    IifQ..EBESExQVFhcYGRob.BtzrYCrrAJGtGmd6YxwNIb4mKyw34CXFxcPAVnF7ZL4oiDpzmcNMw1xf8yWooiIsKolw\
    S9Ozb8KQPFZYnbWeSWqzeEomiFhYHfFQkamgmcxP8qDYFOpwFqKXRXHMvtNo.hrJibzIW5vQwWzdyaYlurw";

fn flaw(text: &str) -> Flaw {
    match find(text) {
        Err(NotAnAuthId::Form(flaw)) => flaw,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn assert_found(text: &str) {
    let found = find(text).unwrap_or_else(|error| panic!("{error} in {text:?}"));
    assert_eq!(found.expose(), AUTHID, "{text:?}");
}

/// The AuthID with something between its lines of so many characters.
fn broken_into_lines(length: usize, between: &str) -> String {
    let lines: Vec<&str> = (0..AUTHID.len())
        .step_by(length)
        .map(|start| &AUTHID[start..(start + length).min(AUTHID.len())])
        .collect();
    lines.join(between)
}

fn percent_encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

#[test]
fn what_surrounds_an_authid_falls_away() {
    for around in [
        "<>",
        "  <>\r\n",
        "\"<>\"",
        "'<>'",
        "`<>`",
        "\u{201e}<>\u{201c}",
        "\u{201c}<>\u{201d}",
        "\u{ab}\u{a0}<>\u{a0}\u{bb}",
        "<<>>",
        "(<>)",
        "**<>**",
        "\u{feff}<>",
        "\u{fffd}\u{fffd}<>",
        "<>\u{200b}",
        "\u{202a}<>\u{202c}",
        "--authid=<>",
        "--authid=\"<>\"",
        "\"--authid=<>\"",
        "--authid <> --oauth-url=https://auth.example.com/refresh",
        "authid:<>",
        "X-AuthID: <>",
        "curl -H 'X-AuthID: <>' https://auth.example.com/refresh",
        "export AUTHID=\"<>\"",
        "{\"access_token\":\"ya29.x\",\"expires\":3599,\"v2_authid\":\"<>\"}",
        "{\\\"authid\\\":\\\"<>\\\"}",
        "\"<>\",",
        "Your AuthID: <>.",
        "My AuthID is <>, and it does not work",
        "<>\\n",
        "\\r\\n<>\\r\\n",
        "googledrive://folder?authid=<>&x=y",
        "[<>](https://auth.example.com)",
        "<td><></td>",
        "<>=",
        "<><>",
        "<>\n<>\n",
        "<> \"<>\"",
    ] {
        // The place of the AuthID, and brackets of its own.
        let text = around.replacen("<<>>", "<\u{0}>", 1).replace("<>", AUTHID);
        let text = text.replace('\u{0}', AUTHID);
        assert_found(&text);
        assert_found(&text.replace("v2:g", "V2:g"));
    }
}

#[test]
fn encodings_are_undone_up_to_three_times() {
    let url = format!(
        "googledrive://folder?authid={}&x=y",
        percent_encoded(AUTHID)
    );
    assert_found(&AUTHID.replace(':', "%3A"));
    assert_found(&AUTHID.replace(':', "%3a"));
    assert_found(&format!("\"{url}\""));
    assert_found(&percent_encoded(&url));
    assert_found(&percent_encoded(&percent_encoded(&url)));
    assert!(find(&percent_encoded(&percent_encoded(&percent_encoded(&url)))).is_err());
    let utf16: String = AUTHID.chars().flat_map(|char| [char, '\0']).collect();
    assert_found(&format!("\u{fffd}\u{fffd}{utf16}"));
}

#[test]
fn line_breaks_within_an_authid_are_undone() {
    for between in [
        "\n",
        "\r\n",
        " ",
        "\u{a0}",
        "\u{2028}",
        "\t",
        "\\n",
        "\\r\\n",
        "\\\\n",
        " \\\n    ",
        "`\r\n",
        "^\r\n  ",
        "=\r\n",
        "= \n",
        "\n> ",
        "\n> > ",
        "\r\n\r\n>>",
        "\u{ad}",
        "\u{200b}",
    ] {
        for length in [1, 2, 3, 10, 76] {
            let text = broken_into_lines(length, between);
            assert_found(&text);
            assert_found(&format!("> Your AuthID: \"{text}\"\n"));
        }
        let text = broken_into_lines(64, between);
        assert_found(&format!("--authid={text}{between} and then more words"));
    }
}

#[test]
fn what_cannot_be_undone_is_named() {
    let dash = |at: usize, dash: &str| format!("{}{dash}{}", &AUTHID[..at], &AUTHID[at + 1..]);
    let strange = |kind, position| Flaw::Character { kind, position };
    let other = AUTHID.replace("EBES", "EBET");
    let middle = format!("{}{}", &AUTHID[..100], &AUTHID[104..]);
    let cut = |length: usize| AUTHID[..length].to_owned();
    for (text, expected) in [
        (cut(246), Flaw::CutAtEnd),
        (cut(225), Flaw::CutAtEnd),
        (cut(200), Flaw::CutAtEnd),
        (cut(90), Flaw::CutAtEnd),
        (cut(79), Flaw::CutAtEnd),
        (cut(40), Flaw::CutAtEnd),
        (cut(17), Flaw::CutAtEnd),
        (cut(15), Flaw::CutAtEnd),
        (cut(9), Flaw::CutAtEnd),
        (cut(3), Flaw::CutAtEnd),
        (format!("\"{}\"", cut(200)), Flaw::CutAtEnd),
        (format!("{}.", cut(240)), Flaw::CutAtEnd),
        (
            format!("{{\"authid\":\"{}\",\"type\":\"googledrive\"}}", cut(150)),
            Flaw::CutAtEnd,
        ),
        (AUTHID[1..].to_owned(), Flaw::NoBeginning),
        (AUTHID[3..].to_owned(), Flaw::NoBeginning),
        (AUTHID[15..].to_owned(), Flaw::NoBeginning),
        (AUTHID[90..].to_owned(), Flaw::NoBeginning),
        (AUTHID[120..].to_owned(), Flaw::NoBeginning),
        (format!("\"{}\"", &AUTHID[15..]), Flaw::NoBeginning),
        (format!("{}...", cut(60)), Flaw::Shortened),
        (format!("{}\u{2026}", cut(60)), Flaw::Shortened),
        (format!("{}...{}", cut(60), &AUTHID[200..]), Flaw::Shortened),
        (
            format!("{}...{}", cut(120), &AUTHID[200..]),
            Flaw::Shortened,
        ),
        (
            format!("{}[\u{2026}]{}", cut(120), &AUTHID[200..]),
            Flaw::Shortened,
        ),
        ("v2:goo...".to_owned(), Flaw::Shortened),
        ("v2:googledrive:\u{2026}".to_owned(), Flaw::Shortened),
        (dash(120, "\u{2013}"), strange(CharacterKind::Dash, 121)),
        (dash(30, "\u{2014}"), strange(CharacterKind::Dash, 31)),
        (dash(120, "+"), strange(CharacterKind::OtherBase64, 121)),
        (dash(120, "%"), strange(CharacterKind::Percent, 121)),
        (dash(120, "\u{e9}"), strange(CharacterKind::Letter, 121)),
        (dash(240, "\u{441}"), strange(CharacterKind::Letter, 241)),
        (
            dash(120, "\u{fffd}"),
            strange(CharacterKind::Undecoded, 121),
        ),
        (dash(120, "!"), strange(CharacterKind::Ascii, 121)),
        (dash(120, "\u{20ac}"), strange(CharacterKind::Other, 121)),
        (
            format!("'{}'", dash(120, "=")),
            strange(CharacterKind::Equals, 121),
        ),
        (format!("{AUTHID}A"), Flaw::TooMuchAtEnd(1)),
        (format!("{AUTHID}-_9."), Flaw::TooMuchAtEnd(3)),
        (format!("{AUTHID}v2"), Flaw::TooMuchAtEnd(2)),
        (dash(80, ""), Flaw::Middle),
        (format!("{}A{}", cut(90), &AUTHID[90..]), Flaw::Middle),
        (AUTHID.replace("..", "."), Flaw::Middle),
        (format!("{AUTHID} {other}"), Flaw::Several),
        (
            format!("{{\"old\":\"{AUTHID}\",\"new\":\"{other}\"}}"),
            Flaw::Several,
        ),
        (
            "ya29.a0AfB_x".to_owned(),
            Flaw::ProviderToken("an access token of Google"),
        ),
        (
            "\"1//0gabc\"".to_owned(),
            Flaw::ProviderToken("a refresh token of Google"),
        ),
        (
            "sl.B1abc".to_owned(),
            Flaw::ProviderToken("an access token of Dropbox"),
        ),
        (
            format!("EwB{}", "x".repeat(900)),
            Flaw::ProviderToken("an access token of Microsoft"),
        ),
        (
            "eyJhbGciOiJIUzI1NiJ9.eyJpc3Mi.abc".to_owned(),
            Flaw::ProviderToken("a token of a provider, in the form of a JWT"),
        ),
        (
            "https://auth.example.com/?type=googledrive".to_owned(),
            Flaw::Address,
        ),
        ("googledrive://folder?x=y".to_owned(), Flaw::Address),
        ("nonsense".to_owned(), Flaw::Unlike),
        ("v2:googledrive:refresh-token".to_owned(), Flaw::Unlike),
        ("to be continued...".to_owned(), Flaw::Unlike),
        ("x".repeat(16 * 1024), Flaw::Unlike),
    ] {
        assert_eq!(flaw(&text), expected, "{text:?}");
    }
    // Nothing about its length or its beginning is wrong: it does not open.
    assert_eq!(find(&middle).unwrap().expose(), middle);
}

#[test]
fn a_text_of_quotes_and_blanks_holds_no_authid() {
    for text in ["", " \r\n", "\"\"", "\u{feff}", "--authid=", "authid: ''"] {
        assert_eq!(find(text).unwrap_err(), NotAnAuthId::Missing, "{text:?}");
    }
}

#[test]
fn a_text_is_searched_up_to_the_length_of_an_encoded_authid() {
    let longest = format!(
        "{AUTHID} {}",
        "x".repeat(MAX_PASTED_BYTES - AUTHID.len() - 1)
    );
    assert_found(&longest);
    let refused = Some(NotAnAuthId::TooLong);
    assert_eq!(find(&format!("{longest}x")).err(), refused);
    assert_eq!(find(&"x".repeat(MAX_AUTHID_BYTES + 1)).err(), refused);
    // Every character of the longest AuthID may be encoded.
    let filler = "A".repeat(MAX_AUTHID_BYTES - AUTHID.len());
    let long = AUTHID.replace(".Btzr", &format!(".{filler}Btzr"));
    let encoded: String = long.bytes().map(|byte| format!("%{byte:02x}")).collect();
    assert_eq!(find(&encoded).unwrap().expose(), long);
}

#[test]
fn messages_are_short_and_end_without_a_full_stop() {
    let position = MAX_AUTHID_BYTES;
    let kinds = "-–\"+=%éx\u{fffd}€".chars().map(CharacterKind::of);
    let flaws = kinds.map(|kind| Flaw::Character { kind, position });
    let mut flaws: Vec<Flaw> = flaws.collect();
    flaws.extend([
        Flaw::CutAtEnd,
        Flaw::NoBeginning,
        Flaw::Shortened,
        Flaw::Middle,
        Flaw::TooMuchAtEnd(MAX_AUTHID_BYTES),
        Flaw::Header,
        Flaw::Several,
        Flaw::ProviderToken("a token of a provider, in the form of a JWT"),
        Flaw::Address,
        Flaw::OldInClear,
        Flaw::OldStored,
        Flaw::Unlike,
    ]);
    for flaw in flaws {
        let message = NotAnAuthId::from(flaw).to_string();
        assert!(message.len() <= 150 && message.is_ascii(), "{message}");
        assert!(!message.ends_with('.'), "{message}");
    }
}

#[test]
fn an_authid_is_looked_for_in_so_many_places() {
    let before = |count: usize| format!("{}{AUTHID}", "v2:a:eyJ ".repeat(count));
    assert_found(&before(MAX_CANDIDATES - 1));
    assert!(find(&before(MAX_CANDIDATES)).is_err());
}

/// An attacker chooses the text. Nothing in it is read again and again: tidying makes no
/// text longer, and no two candidates share a character.
#[test]
fn every_character_of_a_hostile_text_is_read_by_one_candidate_at_most() {
    let (jwe, with_gaps) = (&AUTHID[15..], broken_into_lines(1, "\n"));
    for unit in [
        "v2:",
        "v2:a:",
        "v2:v2:",
        "v2:a:eyJ",
        "V2:a:eyJ..",
        "v2:a:eyJ.",
        ":",
        "::",
        "v2",
        ".",
        "..",
        "\\",
        "\\ ",
        "\\\\n",
        "=",
        "= ",
        "` ",
        "^\t",
        "> ",
        "\n>",
        "%",
        "%25",
        "%2525",
        "\u{feff}",
        "\u{2026}",
        "\"",
        "'\"",
        "--authid=",
        "eyJ",
        "A",
        "v 2 : a : ",
        AUTHID,
        jwe,
        &with_gaps,
    ] {
        let text = unit.repeat(MAX_PASTED_BYTES / unit.len());
        let tidy = tidy::tidy(&text);
        assert!(tidy.len() <= text.len(), "{unit:?}");
        let read: usize = candidates(&tidy)
            .map(|candidate| candidate.service.len() + candidate.jwe.len())
            .sum();
        assert!(read <= 2 * tidy.len(), "{unit:?}: {read}");
        let _ = find(&text);
    }
}
