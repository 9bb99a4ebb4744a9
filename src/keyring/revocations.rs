//! Revocations: AuthIDs that are no longer valid, whichever key opens them.
//!
//! A line of `revoked.txt` is either a lineage, which stands for one login, or a rule. A
//! rule revokes every login of a service, of a key, or of the whole server that was made
//! before a given time. `undo` in front takes a revocation back; the last line about each
//! one counts.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    fmt,
};

use ahash::RandomState;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{jwk::is_kid, revocation_state::RevocationState};
use crate::clock::UnixTime;

/// The 128 bits of a login's lineage.
pub type LineageBits = [u8; 16];

/// One line of `revoked.txt`: the logins that it revokes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Revocation {
    /// One login.
    Lineage(LineageBits),
    /// Every login in this scope that was made before this time.
    Rule(Scope, UnixTime),
}

/// The logins that a rule applies to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Logins at the service with this id.
    Service(String),
    /// Logins with any AuthID that was sealed under the key with this id.
    Kid(String),
    /// Logins of the user with this name, as far as it is sealed into their AuthIDs.
    User(String),
    /// Logins whose AuthIDs have this name.
    Label(String),
    /// All logins of this server.
    All,
}

/// Facts about an AuthID that revocations are checked against.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// Lineage of its login.
    pub lineage: &'a LineageBits,
    /// Id of its service.
    pub service: &'a str,
    /// Ids of all keys that it, or an earlier AuthID of its login, was sealed under.
    pub kids: &'a [String],
    /// Time of its login.
    pub logged_in_at: UnixTime,
    /// Name of the user in it.
    pub user: Option<&'a str>,
    /// Its own name.
    pub label: Option<&'a str>,
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service(id) => write!(f, "service={id}"),
            Self::Kid(kid) => write!(f, "kid={kid}"),
            Self::User(name) => write!(f, "{USER}{}", quoted(name)),
            Self::Label(name) => write!(f, "{LABEL}{}", quoted(name)),
            Self::All => f.write_str("all"),
        }
    }
}

const USER: &str = "user=";
const LABEL: &str = "label=";

/// Returns a name as a line has it: in quotes, as JSON has text, if it is not a single word.
/// A `#` would begin a remark, so it is escaped.
fn quoted(name: &str) -> Cow<'_, str> {
    let is_plain = |char: char| char.is_alphanumeric() || ".-_@+".contains(char);
    match !name.is_empty() && name.chars().all(is_plain) {
        true => name.into(),
        false => serde_json::Value::from(name)
            .to_string()
            .replace('#', "\\u0023")
            .into(),
    }
}

/// Splits a line behind the name at its start, which may be in quotes.
fn split_name(text: &str) -> Option<(String, &str)> {
    if !text.starts_with('"') {
        let (name, rest) = text.split_once(|char: char| char.is_ascii_whitespace())?;
        return (!name.is_empty() && !name.contains('"')).then(|| (name.to_owned(), rest));
    }
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<String>();
    let name = values.next()?.ok()?;
    let rest = &text[values.byte_offset()..];
    let is_apart = rest.starts_with(|char: char| char.is_ascii_whitespace());
    (!name.is_empty() && is_apart).then_some((name, rest))
}

/// Writes the revocation as a line of `revoked.txt`.
impl fmt::Display for Revocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lineage(bits) => f.write_str(&URL_SAFE_NO_PAD.encode(bits)),
            Self::Rule(scope, before) => write!(f, "{scope} before={before}"),
        }
    }
}

/// Reason why a line revokes nothing. It never repeats the line, which may contain an
/// AuthID.
pub(super) type NoRevocation = &'static str;

const NEITHER: NoRevocation = "not a lineage and not a rule, so it revokes nothing; authseal \
                               revoke writes lines that do, and remarks stand after #";
const LOG_NAME: NoRevocation = "not a lineage: eight hex digits are a login's name in the log and \
                                revoke nothing; authseal authid show prints the lineage";
const UNFINISHED: NoRevocation = "not a whole rule: the line has no end, so it may have been cut \
                                  short; put a line break behind it";

impl Revocation {
    /// Parses a lineage, as `authseal authid show` prints it.
    pub fn lineage(text: &str) -> Option<Self> {
        let mut bits = LineageBits::default();
        let length = URL_SAFE_NO_PAD.decode_slice(text, &mut bits).ok()?;
        (length == bits.len()).then_some(Self::Lineage(bits))
    }

    /// Parses the text that `Display` writes, or a rule with only a date.
    pub(super) fn parse(text: &str) -> Result<Self, NoRevocation> {
        if let Some(lineage) = Self::lineage(text) {
            return Ok(lineage);
        }
        if text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(LOG_NAME);
        }
        for (start, of) in [
            (USER, Scope::User as fn(String) -> Scope),
            (LABEL, Scope::Label),
        ] {
            let Some(rest) = text.strip_prefix(start) else {
                continue;
            };
            let (name, before) = split_name(rest).ok_or(NEITHER)?;
            return Ok(Self::Rule(of(name), time_before(before.trim())?));
        }
        let mut words = text.split_ascii_whitespace();
        let (Some(scope), Some(before), None) = (words.next(), words.next(), words.next()) else {
            return Err(NEITHER);
        };
        let scope = match scope.split_once('=') {
            Some(("service", id)) if !id.is_empty() => Scope::Service(id.to_owned()),
            Some(("kid", kid)) if is_kid(kid) => Scope::Kid(kid.to_owned()),
            None if scope == "all" => Scope::All,
            _ => return Err(NEITHER),
        };
        Ok(Self::Rule(scope, time_before(before)?))
    }
}

fn time_before(text: &str) -> Result<UnixTime, NoRevocation> {
    let time = text.strip_prefix("before=").and_then(UnixTime::parse);
    time.ok_or(NEITHER)
}

/// Content of `revoked.txt` at one load.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// The state of each revocation.
    pub(super) states: HashMap<Revocation, RevocationState>,
    /// The number of each line that revokes nothing, and why.
    pub(super) problems: Vec<(usize, NoRevocation)>,
}

impl Lines {
    /// Parses the file. Comments may be in any encoding, and the last one may be cut
    /// short.
    pub(super) fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let mut lines = Self::default();
        for (index, line) in text.split_inclusive('\n').enumerate() {
            let content = line.split('#').next().unwrap_or_default().trim();
            if content.is_empty() {
                continue;
            }
            let (content, is_revoked) = match content.strip_prefix("undo ") {
                Some(undone) => (undone.trim(), false),
                None => (content, true),
            };
            let is_whole = line.ends_with('\n') || line.contains('#');
            let revocation = match Revocation::parse(content) {
                // A rule that was cut short may still parse, as another rule.
                Ok(Revocation::Rule(..)) if !is_whole => Err(UNFINISHED),
                parsed => parsed,
            };
            match revocation {
                Ok(revocation) => {
                    let state = lines.states.entry(revocation).or_default();
                    state.apply(is_revoked);
                }
                Err(why) => lines.problems.push((index + 1, why)),
            }
        }
        lines
    }
}

/// The revocations in force, ready for a check at every refresh: one look-up for the
/// lineage, one for the service and one for each key, however many revocations there are.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Revocations {
    lineages: HashSet<LineageBits, RandomState>,
    rules: HashSet<(Scope, UnixTime), RandomState>,
    // The latest time of each scope's rules; it covers all of them.
    services: HashMap<String, UnixTime, RandomState>,
    kids: HashMap<String, UnixTime, RandomState>,
    users: HashMap<String, UnixTime, RandomState>,
    labels: HashMap<String, UnixTime, RandomState>,
    all: UnixTime,
    // Number of times that each was undone before it was revoked again; without those never undone.
    undone: HashMap<Revocation, usize, RandomState>,
}

impl Revocations {
    /// Returns the revocations in force after this load: all earlier ones and those in
    /// `lines`, except those that a line undoes. Also returns the number of revocations
    /// in force that the file no longer contains.
    pub(super) fn after(&self, lines: &Lines) -> (Self, usize) {
        let mut after = Self::default();
        after.add(&lines.states);
        let mut gone = 0;
        for revocation in self.iter() {
            let known = self.state(&revocation);
            let said = lines.states.get(&revocation).copied();
            let said = said.unwrap_or_default();
            if said.undoes(known) {
                continue;
            }
            gone += usize::from(!said.is_revoked);
            after.insert(revocation, known.undone);
        }
        (after, gone)
    }

    /// Returns these revocations, with those that `states` revoke added.
    pub(super) fn and(&self, states: &HashMap<Revocation, RevocationState>) -> Self {
        let mut both: Self = self.iter().collect();
        both.undone.clone_from(&self.undone);
        both.add(states);
        both
    }

    fn add(&mut self, states: &HashMap<Revocation, RevocationState>) {
        for (revocation, state) in states.iter().filter(|(_, state)| state.is_revoked) {
            self.insert(revocation.clone(), state.undone);
        }
    }

    fn state(&self, revocation: &Revocation) -> RevocationState {
        RevocationState {
            is_revoked: self.contains(revocation),
            undone: self.undone.get(revocation).copied().unwrap_or(0),
        }
    }

    fn insert(&mut self, revocation: Revocation, undone: usize) {
        if undone > 0 {
            let most = self.undone.entry(revocation.clone()).or_default();
            *most = undone.max(*most);
        }
        let (scope, before) = match revocation {
            Revocation::Lineage(bits) => {
                self.lineages.insert(bits);
                return;
            }
            Revocation::Rule(scope, before) => (scope, before),
        };
        let latest = match &scope {
            Scope::Service(id) => self.services.entry(id.clone()).or_default(),
            Scope::Kid(kid) => self.kids.entry(kid.clone()).or_default(),
            Scope::User(name) => self.users.entry(name.clone()).or_default(),
            Scope::Label(name) => self.labels.entry(name.clone()).or_default(),
            Scope::All => &mut self.all,
        };
        *latest = before.max(*latest);
        self.rules.insert((scope, before));
    }

    /// True if a line names this AuthID's login, or a rule applies to it.
    pub fn revoke(&self, facts: &Facts<'_>) -> bool {
        let hits = |before: Option<&UnixTime>| before.is_some_and(|at| facts.logged_in_at < *at);
        self.lineages.contains(facts.lineage)
            || facts.logged_in_at < self.all
            || hits(self.services.get(facts.service))
            || facts.kids.iter().any(|kid| hits(self.kids.get(kid)))
            || facts.user.is_some_and(|name| hits(self.users.get(name)))
            || facts.label.is_some_and(|name| hits(self.labels.get(name)))
    }

    /// True if this exact line is in force.
    pub(super) fn contains(&self, revocation: &Revocation) -> bool {
        match revocation {
            Revocation::Lineage(bits) => self.lineages.contains(bits),
            Revocation::Rule(scope, before) => self.rules.contains(&(scope.clone(), *before)),
        }
    }

    /// Returns each revocation in force.
    pub fn iter(&self) -> impl Iterator<Item = Revocation> {
        let lineages = self.lineages.iter().copied().map(Revocation::Lineage);
        let rules = self.rules.iter().cloned();
        lineages.chain(rules.map(|(scope, before)| Revocation::Rule(scope, before)))
    }

    /// Returns the number of revocations in force.
    pub fn len(&self) -> usize {
        self.lineages.len() + self.rules.len()
    }
}

impl FromIterator<Revocation> for Revocations {
    fn from_iter<I: IntoIterator<Item = Revocation>>(revocations: I) -> Self {
        let mut all = Self::default();
        for revocation in revocations {
            all.insert(revocation, 0);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "AAAAAAAAAAAAAAAAAAAAAA";
    const OTHER: &str = "AAAAAAAAAAAAAAAAAAAAAQ";

    fn read(text: &str) -> Revocations {
        let lines = Lines::parse(text.as_bytes());
        assert!(lines.problems.is_empty(), "{text}: {:?}", lines.problems);
        Revocations::default().after(&lines).0
    }

    fn facts<'a>(service: &'a str, kids: &'a [String], at: u64) -> Facts<'a> {
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
        let kids = ["old".to_owned(), "new".to_owned()];
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
        ] {
            let lines = Lines::parse(format!("{line}\n").as_bytes());
            assert_eq!(lines.problems.len(), 1, "{line}");
        }
    }
}
