//! Version and settings of the Redis behind the store: what it drops when its memory is
//! full, and what it keeps over a restart.

use redis::{RedisError, Value, cmd};

use super::{RedisStore, StoreError};

/// The oldest version that can be used: it is the first with GETDEL.
const OLDEST_REDIS: (u32, u32) = (6, 2);

/// Findings about a Redis.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreInspection {
    /// Properties, one sentence part each.
    pub facts: Vec<String>,
    /// Settings under which logins can be lost, with the remedy.
    pub warnings: Vec<String>,
    /// Reasons why this Redis cannot be used.
    pub problems: Vec<String>,
}

impl RedisStore {
    /// Asks Redis for its version and its settings. A refusal, such as that of an ACL, is a
    /// fact and no error: the store works without these commands. Nothing is counted or
    /// logged.
    pub async fn inspect(&self) -> Result<StoreInspection, StoreError> {
        let info = self
            .link()
            .run(|mut connection| async move {
                answered(cmd("INFO").query_async(&mut connection).await)
            })
            .await?;
        let save = self
            .link()
            .run(|mut connection| async move {
                let mut ask = cmd("CONFIG");
                ask.arg("GET").arg("save");
                answered(ask.query_async(&mut connection).await)
            })
            .await?;
        Ok(StoreInspection::of(info.as_ref(), save.as_ref()))
    }
}

/// Turns a refusal by Redis into its text. An error of the connection stays one.
fn answered(result: Result<Value, RedisError>) -> Result<Result<Value, String>, RedisError> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(error) => match error.code() {
            Some(code) => Ok(Err(code.to_owned())),
            None => Err(error),
        },
    }
}

impl StoreInspection {
    /// Judges the answers to INFO and to CONFIG GET save; an error is the code of a refusal.
    fn of(info: Result<&Value, &String>, save: Result<&Value, &String>) -> Self {
        let mut found = Self::default();
        let info = match info {
            Ok(info) => info,
            Err(refusal) => {
                found.facts.push(format!(
                    "version, memory policy and persistence unknown: INFO is refused ({refusal})"
                ));
                return found;
            }
        };
        // A cluster answers with the text of each node.
        let mut nodes = Vec::new();
        texts(info, &mut nodes);
        let save = save.map(|save| {
            let mut answer = Vec::new();
            texts(save, &mut answer);
            // Name and value by turns.
            answer.iter().any(|text| is_save_points(text))
        });
        for node in &nodes {
            let mut of_node = Self::default();
            of_node.look_at_version(node);
            of_node.look_at_memory(node);
            of_node.look_at_persistence(node, save.ok());
            found.add(of_node);
        }
        if let Err(refusal) = save
            && !nodes
                .iter()
                .all(|node| field(node, "aof_enabled") == Some("1"))
        {
            found
                .facts
                .push(format!("snapshots unknown: CONFIG is refused ({refusal})"));
        }
        found
    }

    /// Adds the findings of another node, each once.
    fn add(&mut self, node: Self) {
        for (ours, theirs) in [
            (&mut self.facts, node.facts),
            (&mut self.warnings, node.warnings),
            (&mut self.problems, node.problems),
        ] {
            for text in theirs {
                if !ours.contains(&text) {
                    ours.push(text);
                }
            }
        }
    }

    fn look_at_version(&mut self, info: &str) {
        // Valkey says in redis_version which Redis it is compatible with.
        let Some(version) = field(info, "redis_version") else {
            self.facts.push("version unknown".to_owned());
            return;
        };
        match field(info, "valkey_version") {
            Some(valkey) => self.facts.push(format!("Valkey {valkey}")),
            None => self.facts.push(format!("Redis {version}")),
        }
        let mut numbers = version.split('.').map_while(|number| number.parse().ok());
        let (Some(major), Some(minor)) = (numbers.next(), numbers.next()) else {
            return;
        };
        if (major, minor) < OLDEST_REDIS {
            self.problems.push(format!(
                "it is Redis {version}, and authseal needs {}.{} or newer, for GETDEL",
                OLDEST_REDIS.0, OLDEST_REDIS.1
            ));
        }
    }

    fn look_at_memory(&mut self, info: &str) {
        let Some(policy) = field(info, "maxmemory_policy") else {
            self.facts.push("memory policy unknown".to_owned());
            return;
        };
        self.facts.push(format!("maxmemory-policy {policy}"));
        if policy == "noeviction" {
            return;
        }
        let limit = match field(info, "maxmemory") {
            None | Some("0") => "if it gets a memory limit".to_owned(),
            Some(limit) => format!("when {limit} bytes are full"),
        };
        self.warnings.push(format!(
            "its maxmemory-policy is {policy}: {limit}, it drops records, and a login whose \
             provider replaces refresh tokens is lost with its record. Set maxmemory-policy \
             noeviction"
        ));
    }

    /// `snapshots` is true if it writes them now and then; `None` if that is unknown.
    fn look_at_persistence(&mut self, info: &str, snapshots: Option<bool>) {
        let append_only = field(info, "aof_enabled");
        match (append_only, snapshots) {
            (Some("1"), _) => self.facts.push("appendonly yes".to_owned()),
            (Some(_), Some(false)) => self.warnings.push(
                "it keeps nothing on disk, so its restart loses every record, and with it logins \
                 whose provider replaces refresh tokens. Set appendonly yes and appendfsync always"
                    .to_owned(),
            ),
            (Some(_), Some(true)) => self.warnings.push(
                "it writes only snapshots, so a crash loses the last minutes, and with them logins \
                 whose provider replaces refresh tokens. Set appendonly yes and appendfsync always"
                    .to_owned(),
            ),
            (Some(_), None) => self.facts.push("appendonly no".to_owned()),
            (None, _) => self.facts.push("persistence unknown".to_owned()),
        }
        for last in ["rdb_last_bgsave_status", "aof_last_write_status"] {
            if field(info, last) == Some("err") {
                self.warnings
                    .push(format!("it could not write to its disk ({last}:err)"));
            }
        }
    }
}

/// Returns the value of one field in the answer to INFO.
fn field<'i>(info: &'i str, name: &str) -> Option<&'i str> {
    info.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
        .map(str::trim)
}

/// True for the value of `save` that has save points: "3600 1 300 100".
fn is_save_points(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_digit())
}

/// Collects the texts in an answer, however it is nested.
fn texts(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::BulkString(bytes) => into.push(String::from_utf8_lossy(bytes).into_owned()),
        Value::SimpleString(text) | Value::VerbatimString { text, .. } => into.push(text.clone()),
        Value::Array(values) => values.iter().for_each(|value| texts(value, into)),
        Value::Map(pairs) => pairs.iter().for_each(|(_, value)| texts(value, into)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "redis_version:7.0.15\r\nmaxmemory:0\r\nmaxmemory_policy:noeviction\r\n\
                        aof_enabled:1\r\naof_last_write_status:ok\r\n";

    fn text(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    fn inspected(info: &str, save: &str) -> StoreInspection {
        let save = Value::Array(vec![text("save"), text(save)]);
        StoreInspection::of(Ok(&text(info)), Ok(&save))
    }

    #[test]
    fn a_redis_as_the_documentation_wants_it_has_no_warning() {
        let found = inspected(GOOD, "");
        assert_eq!(found.warnings, Vec::<String>::new());
        assert_eq!(found.problems, Vec::<String>::new());
        let facts = [
            "Redis 7.0.15",
            "maxmemory-policy noeviction",
            "appendonly yes",
        ];
        assert_eq!(found.facts, facts);
    }

    #[test]
    fn an_old_version_is_a_problem() {
        for (version, is_old) in [
            ("6.0.16", true),
            ("5.0", true),
            ("6.2.0", false),
            ("10.1", false),
        ] {
            let found = inspected(&GOOD.replace("7.0.15", version), "");
            assert_eq!(!found.problems.is_empty(), is_old, "{version}");
        }
    }

    #[test]
    fn what_loses_records_is_warned_of() {
        for (good, bad, save, says) in [
            ("noeviction", "allkeys-lru", "", "if it gets a memory limit"),
            (
                "aof_enabled:1",
                "aof_enabled:0",
                "",
                "keeps nothing on disk",
            ),
            ("aof_enabled:1", "aof_enabled:0", "3600 1", "only snapshots"),
            ("status:ok", "status:err", "", "aof_last_write_status:err"),
        ] {
            let found = inspected(&GOOD.replace(good, bad), save);
            assert_eq!(found.warnings.len(), 1, "{bad}: {found:?}");
            assert!(found.warnings[0].contains(says), "{bad}: {found:?}");
        }
    }

    #[test]
    fn a_refusal_is_a_fact() {
        let refused = "NOPERM".to_owned();
        let found = StoreInspection::of(Err(&refused), Err(&refused));
        assert!(
            found.facts[0].contains("INFO is refused (NOPERM)"),
            "{found:?}"
        );
        let snapshots = text(&GOOD.replace("aof_enabled:1", "aof_enabled:0"));
        let found = StoreInspection::of(Ok(&snapshots), Err(&refused));
        let says = "snapshots unknown: CONFIG is refused (NOPERM)";
        assert_eq!(found.facts.last().map(String::as_str), Some(says));
        assert!(
            found.warnings.is_empty() && found.problems.is_empty(),
            "{found:?}"
        );
    }

    #[test]
    fn each_node_of_a_cluster_is_looked_at() {
        let bad = GOOD.replace("noeviction", "volatile-ttl");
        let nodes = [GOOD, &bad].map(|info| (text("127.0.0.1:1"), text(info)));
        let save = Value::Array(Vec::new());
        let found = StoreInspection::of(Ok(&Value::Map(nodes.into())), Ok(&save));
        assert_eq!(found.warnings.len(), 1, "{found:?}");
    }
}
