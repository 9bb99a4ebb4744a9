//! Finds the volume on which a folder lies, and the one on which it should lie, for
//! messages about missing mounts. Works on Linux only; elsewhere it finds nothing.

use std::{
    fs,
    path::{Path, PathBuf},
};

const TABLE: &str = "/etc/fstab";
const MOUNTED: &str = "/proc/self/mountinfo";

/// Returns the mount point of the file system that contains the path.
pub(super) fn mount_point(path: &Path) -> Option<PathBuf> {
    let mounted = fs::read_to_string(MOUNTED).ok()?;
    deepest(&real(path), &mount_points(&mounted, MOUNTED_FIELD))
}

/// Returns the mount point in `/etc/fstab` that contains the path and is not mounted.
pub(super) fn unmounted(path: &Path) -> Option<PathBuf> {
    let table = fs::read_to_string(TABLE).ok()?;
    let mounted = fs::read_to_string(MOUNTED).ok()?;
    unmounted_of(&real(path), &table, &mounted)
}

fn unmounted_of(path: &Path, table: &str, mounted: &str) -> Option<PathBuf> {
    let wanted = deepest(path, &mount_points(table, TABLE_FIELD))?;
    let is_mounted = mount_points(mounted, MOUNTED_FIELD).contains(&wanted);
    (!is_mounted && wanted != Path::new("/")).then_some(wanted)
}

/// Index of the mount point in a line of fstab(5): the second field.
const TABLE_FIELD: usize = 1;
/// Index of the mount point in a line of proc_pid_mountinfo(5): the fifth field.
const MOUNTED_FIELD: usize = 4;

fn mount_points(text: &str, field: usize) -> Vec<PathBuf> {
    let lines = text.lines().filter(|line| !line.trim().starts_with('#'));
    lines
        .filter_map(|line| line.split_whitespace().nth(field))
        .filter(|point| point.starts_with('/'))
        // Both files write a blank as \040.
        .map(|point| PathBuf::from(point.replace("\\040", " ")))
        .collect()
}

fn deepest(path: &Path, points: &[PathBuf]) -> Option<PathBuf> {
    let above = points.iter().filter(|point| path.starts_with(point));
    above
        .max_by_key(|point| point.components().count())
        .cloned()
}

/// Returns the path with links resolved, as far as it exists.
fn real(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut ancestors = path.ancestors();
    let found = ancestors.find_map(|above| Some((above, fs::canonicalize(above).ok()?)));
    match found {
        Some((above, real)) => match path.strip_prefix(above) {
            Ok(rest) if !rest.as_os_str().is_empty() => real.join(rest),
            _ => real,
        },
        None => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FSTAB: &str = "# /mnt/comment\nUUID=1 / ext4 defaults 0 1\nUUID=2 none swap sw 0 0\n\
                         nas:/keys /mnt/keys\\040of\\040ours nfs defaults 0 0\n/dev/sdb /mnt/data ext4 noauto 0 0\n";
    const MOUNTINFO: &str =
        "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n23 22 0:5 / /mnt/data rw - ext4 /dev/sdb rw\n";

    #[test]
    fn a_volume_that_the_table_names_and_that_is_not_mounted_is_found() {
        let check = |path: &str, expected: Option<&str>| {
            let found = unmounted_of(Path::new(path), FSTAB, MOUNTINFO);
            assert_eq!(found.as_deref(), expected.map(Path::new), "{path}");
        };
        check("/mnt/keys of ours/authseal", Some("/mnt/keys of ours"));
        check("/mnt/keys of ours", Some("/mnt/keys of ours"));
        check("/mnt/keys", None);
        check("/mnt/data/keys", None);
        check("/mnt/comment/keys", None);
        check("/var/lib/authseal/keys", None);
    }

    #[test]
    fn a_folder_lies_on_the_deepest_mount_above_it() {
        let points = mount_points(MOUNTINFO, MOUNTED_FIELD);
        let check = |path: &str, expected: &str| {
            let found = deepest(Path::new(path), &points);
            assert_eq!(found.as_deref(), Some(Path::new(expected)), "{path}");
        };
        check("/mnt/data/keys", "/mnt/data");
        check("/mnt/database", "/");
    }
}
