//! Looks for a file in the places where it may lie.

use names::{Place, StoreDirectory};
use store::{StoreError, StorePath};

/// The paths of a store file at places of one root.
///
/// # Errors
/// A segment cannot be part of a path.
pub fn store_file_paths(
    root: &StorePath,
    directory: &StoreDirectory,
    file: &str,
    places: &[Place],
) -> Result<Vec<StorePath>, StoreError> {
    places.iter().map(|place| root.join_all(directory.segments(*place, file))).collect()
}

/// Looks at places in their order, and once more if all miss, as HBase does: a file may move from one to another in between.
/// Returns the first place that has it and what the look returned, or `None`.
///
/// # Errors
/// Any error except that there is no such file.
pub fn look_where_hbase_looks<P: Clone, T>(
    places: &[P],
    mut look: impl FnMut(&P) -> Result<T, StoreError>,
) -> Result<Option<(P, T)>, StoreError> {
    for place in places.iter().chain(places) {
        match look(place) {
            Ok(found) => return Ok(Some((place.clone(), found))),
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}
