//! The kernel's table of TCP connections.

/// For each open connection of this process's network to this remote port: true if the kernel
/// has a keep-alive timer for it.
pub fn kept_alive(remote_port: u16) -> Vec<bool> {
    table_rows()
        .into_iter()
        .filter(|row| row.remote_port == remote_port)
        .map(|row| row.is_kept_alive)
        .collect()
}

/// The same for the connections that a listener at this port has accepted.
pub fn kept_alive_by_server(local_port: u16) -> Vec<bool> {
    table_rows()
        .into_iter()
        .filter(|row| row.local_port == local_port)
        .map(|row| row.is_kept_alive)
        .collect()
}

/// Waits until there is one connection and it is kept alive: the kernel has another timer while
/// something is unacknowledged.
pub async fn watched(kept_alive: impl Fn() -> Vec<bool>) {
    super::eventually("the kernel watches one connection", async || {
        (kept_alive() == [true]).then_some(())
    })
    .await;
}

struct Row {
    local_port: u16,
    remote_port: u16,
    is_kept_alive: bool,
}

/// Reads the established connections of /proc/net/tcp (proc(5)).
fn table_rows() -> Vec<Row> {
    let table = std::fs::read_to_string("/proc/self/net/tcp").unwrap();
    let row = |line: &str| {
        let columns: Vec<_> = line.split_whitespace().collect();
        let port = |address: &str| u16::from_str_radix(address.split_once(':')?.1, 16).ok();
        let (is_established, timer) = (columns[3] == "01", columns[5]);
        is_established.then_some(Row {
            local_port: port(columns[1])?,
            remote_port: port(columns[2])?,
            is_kept_alive: timer.starts_with("02:"),
        })
    };
    table.lines().skip(1).filter_map(row).collect()
}
