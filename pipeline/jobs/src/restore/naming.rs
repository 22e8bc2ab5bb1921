//! Which table a table is restored as, and the name of its snapshot.

use names::{SnapshotName, TableName};
use stage::Failure;

/// Which tables and namespaces get another name.
#[derive(Debug, Clone, Default)]
pub struct Mapping {
    tables: Vec<(TableName, TableName)>,
    namespaces: Vec<(String, String)>,
}

impl Mapping {
    /// Parses pairs as typed: two tables, or two namespaces that end in `:`.
    pub fn parse(pairs: &[(String, String)]) -> Result<Self, Failure> {
        let mut mapping = Self::default();
        for (old, new) in pairs {
            let wrong = |what: String| Failure::usage(format!("--map {old}={new}: {what}"));
            match (old.strip_suffix(':'), new.strip_suffix(':')) {
                (Some(old), Some(new)) => mapping.namespaces.push((old.to_owned(), new.to_owned())),
                (None, None) => {
                    let table = |text: &str| TableName::parse(text).map_err(|error| wrong(error.to_string()));
                    mapping.tables.push((table(old)?, table(new)?));
                }
                _ => return Err(wrong("give two tables, or two namespaces that both end in `:`".into())),
            }
        }
        Ok(mapping)
    }

    /// What a table is restored as. A rule for the table takes precedence over one for its namespace.
    pub fn target_of(&self, table: &TableName) -> Result<TableName, Failure> {
        if let Some((_, new)) = self.tables.iter().find(|(old, _)| old == table) {
            return Ok(new.clone());
        }
        match self.namespaces.iter().find(|(old, _)| old == table.namespace()) {
            Some((_, new)) => TableName::new(new, table.qualifier()).map_err(Failure::usage),
            None => Ok(table.clone()),
        }
    }

    /// Refuses rules for tables that are not restored: they must be misspelt.
    pub fn check_used(&self, tables: &[TableName]) -> Result<(), Failure> {
        let unused =
            self.tables.iter().find(|(old, _)| !tables.contains(old)).map(|(old, _)| old.to_string());
        let of_namespaces =
            self.namespaces.iter().find(|(old, _)| !tables.iter().any(|t| t.namespace() == old));
        match unused.or_else(|| of_namespaces.map(|(old, _)| format!("{old}:"))) {
            None => Ok(()),
            Some(old) => {
                let there: Vec<&str> = tables.iter().map(TableName::full_form).collect();
                let wrong = format!("--map {old}=...: no such table is restored, only {}", there.join(", "));
                Err(Failure::usage(wrong))
            }
        }
    }
}

/// The name of a table's restored snapshot: as requested for one table; for several, `NAME-<table>`, or
/// `NAME-<namespace>-<table>` for a table of a namespace.
pub fn snapshot_name(asked: &str, tables: usize, target: &TableName) -> Result<SnapshotName, Failure> {
    let name = match tables {
        0 | 1 => asked.to_owned(),
        _ => format!("{asked}-{}", target.text_form().replace(':', "-")),
    };
    SnapshotName::parse(&name).map_err(Failure::usage)
}

/// Refuses two tables, or two snapshots, of one name.
pub fn refuse_twice<T: PartialEq + std::fmt::Display>(what: &str, names: &[T]) -> Result<(), Failure> {
    for (number, name) in names.iter().enumerate() {
        if names.iter().take(number).any(|earlier| earlier == name) {
            return Err(Failure::usage(format!("two {what} would be called {name}")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(pairs: &[(&str, &str)]) -> Result<Mapping, Failure> {
        let owned = |(old, new): &(&str, &str)| ((*old).to_owned(), (*new).to_owned());
        Mapping::parse(&pairs.iter().map(owned).collect::<Vec<_>>())
    }

    #[test]
    fn a_table_goes_before_its_namespace() {
        let table = |text| TableName::parse(text).unwrap();
        let mapping = mapping(&[("ns:", "other:"), ("ns:t", "u")]).unwrap();
        assert_eq!(mapping.target_of(&table("ns:t")).unwrap(), table("u"));
        assert_eq!(mapping.target_of(&table("ns:v")).unwrap(), table("other:v"));
        assert_eq!(mapping.target_of(&table("v")).unwrap(), table("v"));
        assert!(mapping.check_used(&[table("ns:t")]).is_ok());
        let unused = mapping.check_used(&[table("ns:v")]).unwrap_err();
        assert!(unused.wrong.contains("ns:t") && unused.exit_code() == 2, "{unused}");
        assert!(mapping.check_used(&[table("x:t"), table("ns:t")]).is_ok());
    }

    #[test]
    fn half_a_rule_is_none() {
        for pair in [("t:", "t"), ("t", ""), ("a/b", "t"), ("", "t")] {
            assert_eq!(mapping(&[pair]).unwrap_err().exit_code(), 2, "{pair:?}");
        }
    }

    #[test]
    fn several_tables_have_several_snapshots() {
        let table = |text| TableName::parse(text).unwrap();
        assert_eq!(snapshot_name("r", 1, &table("ns:t")).unwrap().as_str(), "r");
        assert_eq!(snapshot_name("r", 2, &table("ns:t")).unwrap().as_str(), "r-ns-t");
        assert_eq!(snapshot_name("r", 2, &table("t")).unwrap().as_str(), "r-t");
        assert!(refuse_twice("snapshots", &["a", "b", "a"]).is_err());
    }
}
