//! Reading /metrics as a collector does.

use std::collections::BTreeSet;

use super::get;

/// One reading.
pub struct Scrape {
    pub text: String,
    pub content_type: String,
}

impl Scrape {
    pub async fn of(admin_url: &str) -> Self {
        Self::accepting(admin_url, "*/*").await
    }

    /// In the format that a collector with this Accept header gets.
    pub async fn accepting(admin_url: &str, accept: &str) -> Self {
        let headers = [("accept", accept)];
        let answer = get(&format!("{admin_url}/metrics"), &headers).await.good();
        Self {
            content_type: answer.header("content-type").to_owned(),
            text: answer.body,
        }
    }

    /// The sum of all samples of this name that have these labels.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.samples()
            .filter(|sample| sample.name == name)
            .filter(|sample| labels.iter().all(|label| sample.labels.contains(label)))
            .map(|sample| sample.value)
            .sum()
    }

    /// The state of a key, "" if there is no such key.
    pub fn key_state(&self, kid: &str) -> String {
        let mut keys = self.samples().filter(|sample| {
            sample.name == "authseal_key_age_seconds" && sample.labels.contains(&("kid", kid))
        });
        let key = keys.next();
        assert!(keys.next().is_none(), "{kid} is there twice: {}", self.text);
        let state = key.and_then(|key| key.labels.into_iter().find(|label| label.0 == "state"));
        state.map_or("", |(_, state)| state).to_owned()
    }

    /// Every sample's name with its labels' names.
    pub fn names(&self) -> BTreeSet<String> {
        let names = self.samples().map(|sample| {
            let labels: Vec<&str> = sample.labels.iter().map(|(label, _)| *label).collect();
            format!("{} {}", sample.name, labels.join(","))
        });
        names.map(|name| name.trim().to_owned()).collect()
    }

    /// Every sample without its value.
    pub fn series(&self) -> BTreeSet<String> {
        let lines = self.text.lines().filter(|line| !line.starts_with('#'));
        lines
            .map(|line| line.rsplit_once(' ').unwrap().0.to_owned())
            .collect()
    }

    fn samples(&self) -> impl Iterator<Item = Sample<'_>> {
        let lines = self.text.lines().filter(|line| !line.starts_with('#'));
        lines.map(Sample::parse)
    }
}

struct Sample<'t> {
    name: &'t str,
    labels: Vec<(&'t str, &'t str)>,
    value: f64,
}

impl<'t> Sample<'t> {
    fn parse(line: &'t str) -> Self {
        let (series, value) = line.rsplit_once(' ').unwrap();
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        let labels = labels.strip_suffix('}').unwrap();
        let labels = labels.split(',').filter(|label| !label.is_empty());
        Self {
            name,
            labels: labels
                .map(|label| {
                    let (label, value) = label.split_once('=').unwrap();
                    (label, value.trim_matches('"'))
                })
                .collect(),
            value: value.parse().unwrap(),
        }
    }
}
