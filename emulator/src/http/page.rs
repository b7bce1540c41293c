//! The page that a person reads.

use std::fmt::Write;

use jiff::Timestamp;
use serde_json::Value;

use crate::service::ApplicationView;

const HEAD: &str = "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta http-equiv=\"refresh\" \
content=\"5\"><title>Managed Flink emulator</title><style>body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;\
max-width:70em;padding:0 1em}table{border-collapse:collapse;margin:.3em 0 1em}td,th{text-align:left;padding:.15em 1em \
.15em 0;border-bottom:1px solid #ddd}h2{margin:1.2em 0 .2em}</style></head><body><h1>Managed Flink emulator</h1>";

/// All applications with their jobs, operations and snapshots. At most ten of each are shown.
pub(super) fn render(applications: &[ApplicationView], now: Timestamp) -> String {
    let mut page = HEAD.to_owned();
    if applications.is_empty() {
        page.push_str("<p>There are no applications.</p>");
    }
    for view in applications {
        let (name, region) = (escape(&view.name), escape(&view.region));
        add(
            &mut page,
            format_args!(
                "<h2>{name}</h2><p>{region}, {}, version {}</p>",
                view.status.name(),
                view.version
            ),
        );
        let jobs = view.jobs.iter().rev().take(10).map(|job| {
            let from = job.restored_from.clone().unwrap_or_else(|| "nothing".to_owned());
            vec![
                job.id.clone(),
                job.version.to_string(),
                job.observed(now).to_owned(),
                from,
                job.launched.to_string(),
            ]
        });
        table(
            &mut page,
            &["Job", "Version", "State", "Restored from", "Launched"],
            jobs,
        );
        let operations = view.operations.iter().take(10);
        let columns = ["Operation", "OperationId", "OperationStatus", "StartTime", "EndTime"];
        table(&mut page, &columns, operations.map(|entry| cells(entry, &columns)));
        let columns = [
            "SnapshotName",
            "SnapshotStatus",
            "ApplicationVersionId",
            "SnapshotCreationTimestamp",
        ];
        table(
            &mut page,
            &columns,
            view.snapshots.iter().rev().take(10).map(|entry| cells(entry, &columns)),
        );
    }
    page.push_str("</body></html>\n");
    page
}

fn cells(entry: &Value, columns: &[&str]) -> Vec<String> {
    let cell = |column: &&str| match entry.get(*column) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) if column.contains("Time") => {
            let at = number.as_i64().and_then(|seconds| Timestamp::from_second(seconds).ok());
            at.map_or_else(String::new, |at| at.to_string())
        }
        Some(value) => value.to_string(),
        None => String::new(),
    };
    columns.iter().map(cell).collect()
}

fn table(page: &mut String, columns: &[&str], rows: impl Iterator<Item = Vec<String>>) {
    let mut rows = rows.peekable();
    if rows.peek().is_none() {
        return;
    }
    page.push_str("<table><tr>");
    for column in columns {
        add(page, format_args!("<th>{column}</th>"));
    }
    for row in rows {
        page.push_str("</tr><tr>");
        for cell in row {
            add(page, format_args!("<td>{}</td>", escape(&cell)));
        }
    }
    page.push_str("</tr></table>");
}

/// Writing to a string cannot fail.
fn add(page: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = page.write_fmt(text);
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
