//! Revocations: AuthIDs that are no longer valid, whichever key opens them.
//!
//! A line of `revoked.txt` is either a lineage, which stands for one login, or a rule. A
//! rule revokes every login of a service, of a key, or of the whole server that was made
//! before a given time. `undo` in front takes a revocation back; the last line about each
//! one counts.

use std::{
    collections::{HashMap, HashSet},
    fmt,
};

use ahash::RandomState;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use smol_str::SmolStr;

use super::{
    jwk::is_kid,
    revocation_state::RevocationState,
    rule_names::{can_be_name, quoted, split_name},
};
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
    pub kids: &'a [SmolStr],
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
            if !can_be_name(&name) {
                return Err(NEITHER);
            }
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
            || facts
                .kids
                .iter()
                .any(|kid| hits(self.kids.get(kid.as_str())))
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
mod tests;
