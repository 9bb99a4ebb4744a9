//! The log: which lines are written, and how they look.

use std::{io, str::FromStr};

use anstream::{AutoStream, ColorChoice};
use thiserror::Error;
use tracing::{Level, level_filters::LevelFilter};
use tracing_subscriber::{
    Layer, Registry,
    filter::Targets,
    fmt::{self, MakeWriter},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use super::{
    access,
    access_line::{Style, TARGET},
    log_output,
};

/// The format of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// Text for people.
    #[default]
    Text,
    /// One JSON object per line, for log collectors.
    Json,
}

/// The text is not a usable filter.
#[derive(Debug, Error)]
pub enum FilterError {
    /// Not a filter that `tracing-subscriber` understands.
    #[error("is not a log filter; write error, warn, info, debug or trace, or target=level pairs")]
    Form,
    /// A part of authseal that does not exist, so that the filter would have no effect.
    #[error(
        "names a part of authseal that logs nothing; there are authseal::{}",
        PARTS.join(", authseal::")
    )]
    Part,
}

/// The modules of authseal that log, and the access log.
const PARTS: [&str; 13] = [
    "access",
    "app",
    "audit",
    "cli",
    "listen",
    "login",
    "oauth_server",
    "outbound",
    "provider",
    "refresh",
    "server",
    "store",
    "telemetry",
];

/// A parsed log filter.
#[derive(Clone, Debug, PartialEq)]
pub struct LogFilter(Targets);

impl LogFilter {
    /// Parses levels by target, such as `info` or `authseal=debug,warn`.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        // `Targets` would take any other word for the name of a module, and log nothing
        // else.
        let is_directive =
            |part: &str| part.contains('=') || LevelFilter::from_str(part.trim()).is_ok();
        if !text.split(',').all(is_directive) {
            return Err(FilterError::Form);
        }
        let filter: Targets = text.parse().map_err(|_| FilterError::Form)?;
        let mut targets = filter.iter();
        match targets.all(|(target, _)| !is_ours(target) || is_a_part(target)) {
            true => Ok(Self(filter)),
            false => Err(FilterError::Part),
        }
    }

    /// Returns the filter limited to log lines that cannot contain a token. The log lines
    /// of authseal are written to contain no secret. Those of dependencies are not: HTTP
    /// and TLS libraries print headers and frames below `info`, so no filter can enable
    /// those levels for them.
    fn without_secrets(&self) -> Targets {
        let Self(wanted) = self;
        let harmless = |level: LevelFilter| level.min(LevelFilter::INFO);
        let all = wanted.default_level().unwrap_or(LevelFilter::OFF);
        let mut allowed = Targets::new()
            .with_default(harmless(all))
            .with_target(OURS, all);
        for (target, level) in wanted.iter() {
            let level = match target.starts_with(OURS) {
                true => level,
                false => harmless(level),
            };
            allowed = allowed.with_target(target, level);
        }
        // `notify` logs every second that a folder is missing; authseal logs it once.
        allowed.with_target("notify", LevelFilter::OFF)
    }
}

/// True if the target was meant for a module of authseal.
fn is_ours(target: &str) -> bool {
    let start = target.get(..OURS.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(OURS))
}

/// True for authseal itself, for a module of it that logs, and for what is in such a module.
fn is_a_part(target: &str) -> bool {
    let mut names = target.split("::");
    let is_authseal = names.next() == Some(OURS);
    is_authseal && names.next().is_none_or(|name| PARTS.contains(&name))
}

/// Prefix of the targets of authseal's own modules.
const OURS: &str = "authseal";

/// Starts logging to standard error. A second call in the same process has no effect.
pub fn start(filter: &LogFilter, format: LogFormat) {
    let Some(output) = log_output::open(format) else {
        return;
    };
    let style = match format {
        // NO_COLOR, CLICOLOR, CLICOLOR_FORCE, TERM, and whether it is a terminal.
        LogFormat::Text if AutoStream::choice(&io::stderr()) != ColorChoice::Never => {
            Style::Coloured
        }
        LogFormat::Text => Style::Plain,
        LogFormat::Json => Style::Json,
    };
    let allowed = filter.without_secrets();
    access::start(style, level_of(&allowed, TARGET), output.clone());
    let layer = layer(style, output).with_filter(allowed);
    let _ = tracing_subscriber::registry().with(layer).try_init();
}

fn layer<W>(style: Style, output: W) -> Box<dyn Layer<Registry> + Send + Sync>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let layer = fmt::layer()
        .with_writer(output)
        .with_ansi(style == Style::Coloured);
    match style {
        Style::Plain | Style::Coloured => layer.with_target(false).boxed(),
        Style::Json => layer.json().flatten_event(true).boxed(),
    }
}

/// Returns the least important level that the filter allows a target.
fn level_of(allowed: &Targets, target: &str) -> LevelFilter {
    let levels = [Level::INFO, Level::WARN, Level::ERROR];
    let level = levels
        .into_iter()
        .find(|level| allowed.would_enable(target, level));
    level.map_or(LevelFilter::OFF, LevelFilter::from_level)
}

/// Runs `work` with a log of this style, which has no filter.
#[cfg(test)]
pub(super) fn with_log<W>(style: Style, output: W, work: impl FnOnce())
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let subscriber = tracing_subscriber::registry().with(layer(style, output));
    tracing::subscriber::with_default(subscriber, work);
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use tracing::Level;

    use super::*;

    fn check(filter: &str, target: &str, most: LevelFilter) {
        let allowed = LogFilter::parse(filter).unwrap().without_secrets();
        for level in [
            Level::ERROR,
            Level::WARN,
            Level::INFO,
            Level::DEBUG,
            Level::TRACE,
        ] {
            let is_logged = allowed.would_enable(target, &level);
            assert_eq!(is_logged, level <= most, "{filter}: {target} at {level}");
        }
    }

    #[test]
    fn no_filter_switches_on_what_a_dependency_says_below_info() {
        check("warn", "hyper::proto", LevelFilter::WARN);
        check("trace", "hyper::proto", LevelFilter::INFO);
        check("info,hyper=trace", "hyper::proto", LevelFilter::INFO);
        check("trace,hyper=error", "hyper::proto", LevelFilter::ERROR);
        check("trace", "authseal::server", LevelFilter::TRACE);
        check(
            "warn,authseal=debug",
            "authseal::server",
            LevelFilter::DEBUG,
        );
        check(
            "debug,authseal::server=error",
            "authseal::server",
            LevelFilter::ERROR,
        );
        check("authseal=debug", "hyper", LevelFilter::OFF);
        check("trace,notify=trace", "notify::inotify", LevelFilter::OFF);
    }

    #[test]
    fn access_lines_have_a_level_of_their_own() {
        for (filter, level) in [
            ("info", LevelFilter::INFO),
            ("trace", LevelFilter::INFO),
            ("warn", LevelFilter::WARN),
            ("error", LevelFilter::ERROR),
            ("off", LevelFilter::OFF),
            ("info,authseal::access=off", LevelFilter::OFF),
            ("info,authseal::access=warn", LevelFilter::WARN),
            ("warn,authseal::access=info", LevelFilter::INFO),
            ("error,authseal=debug", LevelFilter::INFO),
        ] {
            let allowed = LogFilter::parse(filter).unwrap().without_secrets();
            assert_eq!(level_of(&allowed, TARGET), level, "{filter}");
        }
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        for text in [
            "authseal::accesses=off",
            "info,authseal::refreshing::engine=debug",
            "Authseal::access=off",
            "authseal-access=off",
            "authseal:access=off",
        ] {
            let error = LogFilter::parse(text).unwrap_err().to_string();
            assert!(
                error.contains("there are authseal::access, "),
                "{text}: {error}"
            );
        }
        for text in ["loud", "info,loud", "a=b=c", "authseal=loud"] {
            assert!(LogFilter::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_parts_that_a_filter_may_name_are_those_that_log() {
        let logs = |path: &Path| fs::read_to_string(path).unwrap().contains("tracing::");
        let mut found = BTreeSet::from(["access".to_owned()]);
        let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
        let sources = folders[0].clone();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|end| end == "rs") && logs(&path) {
                    let inside = path.strip_prefix(&sources).unwrap();
                    let part = inside.components().next().unwrap().as_os_str();
                    let part = part.to_str().unwrap().trim_end_matches(".rs");
                    found.insert(part.to_owned());
                }
            }
        }
        let parts = PARTS.map(str::to_owned);
        assert_eq!(found, BTreeSet::from(parts));
    }
}
