//! Numbers of the process itself, under the names that all Prometheus clients use.
//! Source: <https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics>.

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{counter::ConstCounter, gauge::ConstGauge},
    registry::Unit,
};

/// Reads the numbers at each scrape. A number that the system does not give is left out.
#[derive(Debug)]
pub(super) struct ProcessNumbers;

#[cfg(target_os = "linux")]
impl Collector for ProcessNumbers {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        use procfs::WithCurrentSystemInfo as _;

        let Ok(process) = procfs::process::Process::myself() else {
            return Ok(());
        };
        let mut add = |name: &str, help: &str, unit: Option<Unit>, number: &dyn EncodeMetric| {
            let kind = number.metric_type();
            number.encode(encoder.encode_descriptor(name, help, unit.as_ref(), kind)?)
        };
        if let Ok(stat) = process.stat() {
            let seconds = |ticks: u64| ticks as f64 / procfs::ticks_per_second() as f64;
            let cpu = ConstCounter::new(seconds(stat.utime + stat.stime));
            let (unit, help) = (Some(Unit::Seconds), "CPU time, user and system");
            add("process_cpu", help, unit, &cpu)?;
            let memory = ConstGauge::new(stat.rss_bytes().get() as i64);
            let (unit, help) = (Some(Unit::Bytes), "Memory in RAM");
            add("process_resident_memory", help, unit, &memory)?;
            let memory = ConstGauge::new(stat.vsize as i64);
            let (unit, help) = (Some(Unit::Bytes), "Address space");
            add("process_virtual_memory", help, unit, &memory)?;
            if let Ok(booted) = procfs::boot_time_secs() {
                let start = ConstGauge::new(booted as f64 + seconds(stat.starttime));
                let help = "Start of the process, since the Unix epoch";
                add("process_start_time", help, Some(Unit::Seconds), &start)?;
            }
        }
        if let Ok(count) = process.fd_count() {
            let open = ConstGauge::new(count as i64);
            add("process_open_fds", "Open file descriptors", None, &open)?;
        }
        if let Ok(limits) = process.limits()
            && let procfs::process::LimitValue::Value(max) = limits.max_open_files.soft_limit
        {
            let max = ConstGauge::new(max as i64);
            add("process_max_fds", "Limit of file descriptors", None, &max)?;
        }
        Ok(())
    }
}

#[cfg(not(target_os = "linux"))]
impl Collector for ProcessNumbers {
    fn encode(&self, _: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        Ok(())
    }
}
