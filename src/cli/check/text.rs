//! The report for people: the verdict and what is wrong come first, services that are not
//! offered last.

use super::{
    facts::counted,
    report::{NotOffered, Report, SettingsFacts, Verdict},
};

/// Returns the errors, for standard error; empty if there are none.
pub(super) fn errors(report: &Report) -> String {
    match report.verdict() {
        Verdict::Ready | Verdict::Warnings => String::new(),
        Verdict::Errors => {
            let count = counted(report.errors.len(), "error");
            let errors = report.errors.join("\n- ");
            format!("{count}. What is wrong:\n- {errors}\n")
        }
    }
}

/// Returns everything else, for standard output.
pub(super) fn report(report: &Report) -> String {
    let mut parts = vec![verdict(report)];
    parts.extend(report.settings.as_ref().map(settings));
    if !report.notes.is_empty() {
        let notes = report.notes.iter().map(|note| format!("  {note}\n"));
        let notes: String = notes.collect();
        parts.push(format!("Settings of Duplicati's own server\n{notes}"));
    }
    parts.extend(report.online.as_ref().map(ToString::to_string));
    parts.push(offered(report));
    if !report.admin_consent.is_empty() {
        parts.push(admin_consent(report));
    }
    parts.push(not_offered(report));
    parts.retain(|part| !part.is_empty());
    parts.join("\n")
}

fn verdict(report: &Report) -> String {
    let warnings = counted(report.warnings.len(), "warning");
    let mut text = match report.verdict() {
        Verdict::Errors if report.warnings.is_empty() => String::new(),
        Verdict::Errors => format!("{warnings}:\n"),
        Verdict::Ready => "Ready.\n".to_owned(),
        Verdict::Warnings => format!("Ready, with {warnings}:\n"),
    };
    for warning in &report.warnings {
        text.push_str(&format!("Warning: {warning}\n"));
    }
    text
}

fn settings(facts: &SettingsFacts) -> String {
    let scheme = if facts.tls {
        "with TLS"
    } else {
        "in the clear"
    };
    let (listen, most) = (&facts.listen, facts.max_connections);
    let listening = format!("{listen} {scheme}, up to {most} connections");
    let (first, others) = redirect_uris(facts);
    let mut rows = vec![
        ("Public URL", facts.public_url.clone()),
        ("Redirect URI", first),
    ];
    rows.extend(others.into_iter().map(|other| ("", other)));
    rows.push(("Listening on", listening));
    rows.extend(facts.certificate.clone().map(|text| ("Certificate", text)));
    rows.extend(
        facts
            .in_the_clear
            .map(|how| ("In the clear", how.to_owned())),
    );
    rows.push(("Health on", facts.admin_listen.clone()));
    rows.push(("Logging in", facts.logging_in.clone()));
    rows.push(("Keys", facts.keys.clone()));
    if !facts.keys_folder.is_empty() {
        rows.push(("Keys folder", facts.keys_folder.join("; ")));
    }
    rows.push(("Store", facts.store.clone()));
    rows.extend(facts.audit_log.clone().map(|log| ("Audit log", log)));
    rows.extend(facts.proxy.clone().map(|proxy| ("Proxy", proxy)));
    rows.iter()
        .map(|(name, value)| format!("{name:<15}{value}\n"))
        .collect()
}

fn redirect_uris(facts: &SettingsFacts) -> (String, Vec<String>) {
    let uris = &facts.redirect_uris;
    let remark = match uris.own.is_empty() {
        true => "",
        false => " for all providers but these:",
    };
    let own = uris.own.iter();
    let own = own.map(|(uri, name)| format!("{uri} for {name}"));
    (format!("{}{remark}", uris.shared), own.collect())
}

fn offered(report: &Report) -> String {
    let mut text = "Services offered\n".to_owned();
    let (shown, hidden): (Vec<_>, Vec<_>) =
        report.offered.iter().partition(|service| service.button);
    for service in shown {
        let (id, name) = (&service.id, &service.name);
        let credentials = &service.credentials;
        text.push_str(&format!("  {id:<14} {name} (credentials {credentials})\n"));
        if let Some(note) = &service.note {
            text.push_str(&format!("  {:<14} {note}\n", ""));
        }
    }
    if !hidden.is_empty() {
        let ids: Vec<&str> = hidden.iter().map(|service| service.id.as_str()).collect();
        let ids = ids.join(", ");
        text.push_str(&format!("  without a button, at /?type=ID: {ids}\n"));
    }
    if report.offered.is_empty() {
        text.push_str("  none yet\n");
    }
    text
}

fn admin_consent(report: &Report) -> String {
    let links = report.admin_consent.iter();
    let links: String = links
        .map(|(id, link)| format!("  {id:<14} {link}\n"))
        .collect();
    format!("For the administrator of an organisation that must consent first\n{links}")
}

/// Lists the services that are not offered, those with the same reason together. An
/// administrator who offers none yet also reads what each needs, once there are no errors.
fn not_offered(report: &Report) -> String {
    let is_first_time = report.offered.is_empty();
    if is_first_time && !report.errors.is_empty() {
        return String::new();
    }
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for service in &report.not_offered {
        let reason = match is_first_time {
            true => in_full(service),
            false if service.reason.starts_with("set ") => WITHOUT_CREDENTIALS.to_owned(),
            false => service.reason.clone(),
        };
        match groups.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, ids)) => ids.push(&service.id),
            None => groups.push((reason, vec![&service.id])),
        }
    }
    let lines = groups
        .iter()
        .map(|(reason, ids)| format!("  {}: {reason}\n", ids.join(", ")));
    match groups.is_empty() {
        true => String::new(),
        false => format!("Not offered\n{}", lines.collect::<String>()),
    }
}

const WITHOUT_CREDENTIALS: &str = "no credentials; authseal check --json says what to set";

fn in_full(service: &NotOffered) -> String {
    let console = service.console_url.as_ref();
    let made_at = console.map_or(String::new(), |url| format!(", made at {url}"));
    format!("{}{made_at}", service.reason)
}
