//! Facts about this process and host that the journal records: commit, BLAS, processor.

use std::fs;

use journal::{Opened, Role};

/// What the journal says of this process, apart from the writer's name.
pub(crate) fn opened(role: Role) -> Opened {
    Opened {
        writer: String::new(),
        role,
        host: host(),
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION").into(),
        commit: env!("REGIMEN_COMMIT").into(),
        blas: format!("{} ({})", autodiff::blas_config().trim(), autodiff::blas_core()),
        cpu: cpu_model(),
        at: 0.0,
    }
}

/// This machine's name.
pub(crate) fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

fn cpu_model() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name"));
    model.map_or_else(String::new, |line| line.trim_start_matches([' ', '\t', ':']).into())
}
