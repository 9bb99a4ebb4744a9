//! Tests of lines and rules.

use super::*;

const ONE: &str = "AAAAAAAAAAAAAAAAAAAAAA";
const OTHER: &str = "AAAAAAAAAAAAAAAAAAAAAQ";

fn read(text: &str) -> Revocations {
    let lines = Lines::parse(text.as_bytes());
    assert!(lines.problems.is_empty(), "{text}: {:?}", lines.problems);
    Revocations::default().after(&lines).0
}

fn facts<'a>(service: &'a str, kids: &'a [SmolStr], at: u64) -> Facts<'a> {
    Facts {
        lineage: &[0; 16],
        service,
        kids,
        logged_in_at: UnixTime(at),
        user: Some("Anna # \"A\""),
        label: Some("laptop"),
    }
}

#[test]
fn a_rule_holds_for_its_scope_and_before_its_time() {
    let kids = ["old", "new"].map(SmolStr::new);
    let hits = |rule: &str, at| read(rule).revoke(&facts("box.com", &kids, at));
    let at_100 = "before=1970-01-01T00:01:40Z\n";
    for (scope, is_hit) in [
        ("all", true),
        ("service=box.com", true),
        ("service=box", false),
        ("kid=old", true),
        ("kid=new", true),
        ("kid=o", false),
        ("label=laptop", true),
        ("label=\"laptop\"", true),
        ("label=lap", false),
        ("user=laptop", false),
        (r#"user="Anna \u0023 \"A\"""#, true),
        (r#"user="anna \u0023 \"A\"""#, false),
    ] {
        assert_eq!(hits(&format!("{scope} {at_100}"), 99), is_hit, "{scope}");
        assert!(!hits(&format!("{scope} {at_100}"), 100), "{scope}");
    }
    let two = format!("all before=1970-01-01\nall {at_100}");
    assert!(hits(&two, 99), "the later one counts");
    assert!(hits(&format!("{ONE}\n"), 1_000), "one login");
    assert!(!hits(&format!("{OTHER}\n"), 1_000), "another login");
}

#[test]
fn the_last_word_on_a_line_counts_and_what_is_only_gone_stays() {
    let rule = "all before=1970-01-02T00:00:00Z";
    let first = read(&format!("{ONE} # why\n{rule}\n"));
    assert_eq!(first.len(), 2);
    let emptied = Lines::parse(b"");
    let (kept, gone) = first.after(&emptied);
    assert_eq!((&kept, gone), (&first, 2));
    let undone = format!("{ONE}\nundo {ONE} # found\nundo {rule}\n");
    let (after, gone) = kept.after(&Lines::parse(undone.as_bytes()));
    assert_eq!((after, gone), (Revocations::default(), 0));
    assert_eq!(read(&format!("{undone}{ONE}\n")).len(), 1);
}

#[test]
fn a_text_that_is_cut_behind_an_older_undo_undoes_nothing() {
    let rule = "all before=1970-01-02T00:00:00Z";
    for line in [ONE, rule] {
        let text = format!("{line}\nundo {line}\n{line} # again\n");
        let mut known = read(&text);
        for length in (0..=text.len()).rev() {
            let (after, gone) = known.after(&Lines::parse(&text.as_bytes()[..length]));
            assert_eq!(after.len(), 1, "{length}");
            assert!(gone <= 1);
            known = after;
        }
        let undone = Lines::parse(format!("{text}undo {line}\n").as_bytes());
        assert_eq!(known.after(&undone), (Revocations::default(), 0));
    }
}

#[test]
fn a_line_that_revokes_nothing_is_numbered_and_the_others_count() {
    let text = format!(
        "# fine\nd1e2f3a4\n{ONE} # reason\nv2:box:never\nall\nall before=soon\nhost=a before=2026-01-01\n\
         {OTHER}0\nservice= before=2026-01-01\nkid=../a before=2026-01-01\nundo\n{OTHER}\nall before=2026-01-01"
    );
    let lines = Lines::parse(text.as_bytes());
    let numbers: Vec<usize> = lines.problems.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, [2, 4, 5, 6, 7, 8, 9, 10, 11, 13]);
    assert_eq!(lines.problems[0].1, LOG_NAME);
    assert_eq!(lines.problems[9].1, UNFINISHED);
    assert_eq!(lines.states.len(), 2);
}

#[test]
fn remarks_may_be_of_any_encoding() {
    let text = [
        ONE.as_bytes(),
        b" # caf\xe9\n",
        OTHER.as_bytes(),
        b" # caf\xc3",
    ]
    .concat();
    let lines = Lines::parse(&text);
    assert!(lines.problems.is_empty());
    assert_eq!(lines.states.len(), 2);
}

#[test]
fn every_revocation_is_read_as_it_was_written() {
    let rule = |scope| Revocation::Rule(scope, UnixTime(1_800_000_000));
    for revocation in [
        Revocation::Lineage([7; 16]),
        rule(Scope::All),
        rule(Scope::Service("box.com".into())),
        rule(Scope::Kid("a-b_c".into())),
        rule(Scope::User("anna@example.com".into())),
        rule(Scope::User("Anna \\ \"A\" # before=x".into())),
        rule(Scope::Label("Büro, 2. Stock".into())),
    ] {
        assert_eq!(
            Revocation::parse(&revocation.to_string()),
            Ok(revocation.clone())
        );
        let lines = Lines::parse(format!("{revocation} # why\n").as_bytes());
        assert!(lines.states.contains_key(&revocation), "{revocation}");
    }
}

#[test]
fn a_name_that_is_not_whole_is_no_rule() {
    for line in [
        "user= before=2026-01-01",
        "user=\"\" before=2026-01-01",
        "user=anna",
        "user=anna b before=2026-01-01",
        "user=\"anna before=2026-01-01",
        "user=\"anna\"before=2026-01-01",
        "user=an\"na before=2026-01-01",
        "label=\"a # b\" before=2026-01-01",
        "label=\" laptop\" before=2026-01-01",
        "user=\"anna  b\" before=2026-01-01",
        "user=J\u{fffd}rgen before=2026-01-01",
    ] {
        let lines = Lines::parse(format!("{line}\n").as_bytes());
        assert_eq!(lines.problems.len(), 1, "{line}");
    }
}
