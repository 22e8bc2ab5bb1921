use crate::{Attributes, StoreError, StoreErrorKind};
use std::{collections::HashMap, fs, os::unix, path::Path};

/// Names of users and groups, as `/etc/passwd` and `/etc/group` have them. Accounts that only a directory service
/// knows go by their number.
#[derive(Debug)]
pub(super) struct Accounts {
    users: Names,
    groups: Names,
}

#[derive(Debug, Default)]
struct Names {
    by_number: HashMap<u32, String>,
    by_name: HashMap<String, u32>,
}

impl Names {
    /// Both files are lines of `name:password:number:...`; of several names of a number the first counts.
    fn from_lines(text: &str) -> Self {
        let mut names = Self::default();
        for line in text.lines() {
            let mut fields = line.split(':');
            let name = fields.next().unwrap_or_default();
            let Some(number) = fields.nth(1).and_then(|number| number.parse().ok()) else { continue };
            names.by_number.entry(number).or_insert_with(|| name.to_owned());
            names.by_name.entry(name.to_owned()).or_insert(number);
        }
        names
    }

    fn name(&self, number: u32) -> String {
        self.by_number.get(&number).cloned().unwrap_or_else(|| number.to_string())
    }

    fn number(&self, name: &str) -> Option<u32> {
        self.by_name.get(name).copied().or_else(|| name.parse().ok())
    }
}

impl Accounts {
    pub(super) fn of_this_machine() -> Self {
        let lines = |path| Names::from_lines(&fs::read_to_string(path).unwrap_or_default());
        Self { users: lines("/etc/passwd"), groups: lines("/etc/group") }
    }

    pub(super) fn user(&self, number: u32) -> String {
        self.users.name(number)
    }

    pub(super) fn group(&self, number: u32) -> String {
        self.groups.name(number)
    }

    /// Whether they can be set here, and the numbers of owner and group.
    pub(super) fn check(
        &self,
        path: &Path,
        attributes: &Attributes,
    ) -> Result<(Option<u32>, Option<u32>), StoreError> {
        let refused = |kind, what: String| StoreError::new(kind, DOING, path.display().to_string(), what);
        if attributes.replication.is_some() || attributes.storage_policy.is_some() {
            let what = "a local file system has no replication and no storage policy".to_owned();
            return Err(refused(StoreErrorKind::Unsupported, what));
        }
        let number = |names: &Names, name: &Option<String>, what: &str, file: &str| match name {
            None => Ok(None),
            Some(name) => names.number(name).map(Some).ok_or_else(|| {
                let what = format!("{file} has no {what} {name:?}: give its number");
                refused(StoreErrorKind::Unsupported, what)
            }),
        };
        let owner = number(&self.users, &attributes.owner, "user", "/etc/passwd")?;
        let group = number(&self.groups, &attributes.group, "group", "/etc/group")?;
        if let Some(mode) = attributes.mode.filter(|mode| *mode > 0o7777) {
            return Err(refused(StoreErrorKind::Unsupported, format!("mode {mode:o} is more than 7777")));
        }
        Ok((owner, group))
    }

    /// Sets what is `Some`. The mode comes last: changing the owner clears its upper bits.
    pub(super) fn set(&self, path: &Path, attributes: &Attributes) -> Result<(), StoreError> {
        let (owner, group) = self.check(path, attributes)?;
        if owner.is_some() || group.is_some() {
            unix::fs::chown(path, owner, group).map_err(super::failed(DOING, path))?;
        }
        if let Some(mode) = attributes.mode {
            let permissions = unix::fs::PermissionsExt::from_mode(mode);
            fs::set_permissions(path, permissions).map_err(super::failed(DOING, path))?;
        }
        Ok(())
    }
}

const DOING: &str = "setting owner, group or mode";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_or_a_number_names_an_account() {
        let names =
            Names::from_lines("root:x:0:0::/root:/bin/sh\nhbase:x:997:\nodd line\n:x:nan:\ntoor:x:0:\n");
        assert_eq!(names.number("hbase"), Some(997));
        assert_eq!(names.number("1234"), Some(1234));
        assert_eq!(names.number("nobody-here"), None);
        assert_eq!(names.name(0), "root");
        assert_eq!(names.name(4711), "4711");
    }
}
