use super::{Wrong, content::Content};
use crate::{Attributes, Entry, Identity, Kind, Metadata, Page, Publish, StoreErrorKind, StorePath};
use std::{
    collections::BTreeMap,
    ops::Bound::{Excluded, Unbounded},
    sync::Arc,
};

/// A file under its name.
#[derive(Debug, Clone)]
pub(super) struct File {
    pub(super) content: Arc<Content>,
    attributes: Option<Box<Attributes>>,
    /// None is kept of a file that is written: nothing in memory may depend on when it was.
    pub(super) modified_ms: Option<i64>,
    /// Whether its name is on the medium.
    pub(super) named_durably: bool,
}

impl File {
    pub(super) fn new(content: Arc<Content>) -> Self {
        Self { content, attributes: None, modified_ms: None, named_durably: false }
    }

    /// A file that is on the medium with its name.
    pub(super) fn durable(content: Arc<Content>) -> Self {
        content.sync();
        Self { named_durably: true, ..Self::new(content) }
    }

    pub(super) fn metadata(&self) -> Metadata {
        Metadata {
            kind: Kind::File,
            len: self.content.len(),
            identity: self.content.identity(),
            modified_ms: self.modified_ms,
            attributes: self.attributes.as_deref().cloned().unwrap_or_default(),
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Dir {
    pub(super) names: BTreeMap<Box<str>, Node>,
    attributes: Attributes,
}

#[derive(Debug)]
pub(super) enum Node {
    File(File),
    Dir(Dir),
}

impl Node {
    fn metadata(&self) -> Metadata {
        match self {
            Self::File(file) => file.metadata(),
            Self::Dir(dir) => Metadata {
                kind: Kind::Directory,
                len: 0,
                identity: Identity("directory".to_owned()),
                modified_ms: None,
                attributes: dir.attributes.clone(),
            },
        }
    }
}

/// All names. Where directories are only prefixes, one goes with the last name in it.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) root: Node,
    directories: bool,
}

const NOT_FOUND: Wrong = (StoreErrorKind::NotFound, "there is nothing of that name");
const EXISTS: Wrong = (StoreErrorKind::AlreadyExists, "there is something of that name");
const IS_FILE: Wrong = (StoreErrorKind::WrongKind, "it is a file, or lies below one");
const IS_DIR: Wrong = (StoreErrorKind::WrongKind, "it is a directory");
pub(super) const IS_ROOT: Wrong = (StoreErrorKind::InvalidPath, "this is the root of the store");
const NOT_EMPTY: Wrong = (StoreErrorKind::AlreadyExists, "the directory of that name is not empty");
const INSIDE: Wrong = (StoreErrorKind::InvalidPath, "one of the names lies inside the other");

impl Tree {
    pub(super) fn new(directories: bool) -> Self {
        Self { root: Node::Dir(Dir::default()), directories }
    }

    fn node(&self, path: &StorePath) -> Result<&Node, Wrong> {
        segments(path).try_fold(&self.root, |node, name| match node {
            Node::Dir(dir) => dir.names.get(name).ok_or(NOT_FOUND),
            Node::File(_) => Err(if self.directories { IS_FILE } else { NOT_FOUND }),
        })
    }

    pub(super) fn node_mut(&mut self, path: &StorePath) -> Result<&mut Node, Wrong> {
        segments(path).try_fold(&mut self.root, |node, name| match node {
            Node::Dir(dir) => dir.names.get_mut(name).ok_or(NOT_FOUND),
            Node::File(_) => Err(IS_FILE),
        })
    }

    fn parent_mut(&mut self, path: &StorePath) -> Result<&mut Dir, Wrong> {
        match self.node_mut(&path.parent().ok_or(IS_ROOT)?)? {
            Node::Dir(dir) => Ok(dir),
            Node::File(_) => Err(IS_FILE),
        }
    }

    fn make_parent(&mut self, path: &StorePath) -> Result<&mut Dir, Wrong> {
        let parent = path.parent().ok_or(IS_ROOT)?;
        let node = segments(&parent).try_fold(&mut self.root, |node, name| match node {
            Node::Dir(dir) => Ok(dir.names.entry(name.into()).or_insert_with(|| Node::Dir(Dir::default()))),
            Node::File(_) => Err(IS_FILE),
        })?;
        match node {
            Node::Dir(dir) => Ok(dir),
            Node::File(_) => Err(IS_FILE),
        }
    }

    pub(super) fn metadata(&self, path: &StorePath) -> Result<Metadata, Wrong> {
        self.node(path).map(Node::metadata)
    }

    pub(super) fn file(&self, path: &StorePath) -> Result<&File, Wrong> {
        match self.node(path)? {
            Node::File(file) => Ok(file),
            Node::Dir(_) => Err(if self.directories { IS_DIR } else { NOT_FOUND }),
        }
    }

    pub(super) fn list(&self, dir: &StorePath, after: Option<&str>, limit: usize) -> Result<Page, Wrong> {
        let dir = match self.node(dir) {
            Ok(Node::Dir(dir)) => dir,
            Ok(Node::File(_)) if self.directories => return Err(IS_FILE),
            Err(wrong) if self.directories => return Err(wrong),
            _ => return Ok(Page { entries: Vec::new(), more: false }),
        };
        let start = after.map_or(Unbounded, Excluded);
        let mut following = dir.names.range::<str, _>((start, Unbounded));
        let page = following.by_ref().take(limit);
        let entries =
            page.map(|(name, node)| Entry { name: name.to_string(), metadata: node.metadata() }).collect();
        Ok(Page { entries, more: following.next().is_some() })
    }

    pub(super) fn insert(&mut self, path: &StorePath, file: File, rule: Publish) -> Result<(), Wrong> {
        match self.node(path) {
            Ok(_) if rule == Publish::IfAbsent => return Err(EXISTS),
            Ok(Node::Dir(_)) => return Err(IS_DIR),
            _ => {}
        }
        self.make_parent(path)?.names.insert(path.name().into(), Node::File(file));
        Ok(())
    }

    pub(super) fn delete(&mut self, path: &StorePath) -> Result<(), Wrong> {
        if path.is_root() {
            return Err(IS_ROOT);
        }
        self.file(path)?;
        self.parent_mut(path)?.names.remove(path.name());
        self.prune_above(path);
        Ok(())
    }

    pub(super) fn delete_tree(&mut self, path: &StorePath) -> Result<(), Wrong> {
        if path.is_root() {
            return Err(IS_ROOT);
        }
        match self.node(path)? {
            Node::Dir(_) => self.parent_mut(path)?.names.remove(path.name()),
            Node::File(_) => return Err(if self.directories { IS_FILE } else { NOT_FOUND }),
        };
        self.prune_above(path);
        Ok(())
    }

    fn prune_above(&mut self, path: &StorePath) {
        let mut above = path.parent().filter(|_| !self.directories);
        while let Some(dir) = above.filter(|dir| !dir.is_root()) {
            if !matches!(self.node(&dir), Ok(Node::Dir(at)) if at.names.is_empty()) {
                break;
            }
            if let Ok(parent) = self.parent_mut(&dir) {
                parent.names.remove(dir.name());
            }
            above = dir.parent();
        }
    }

    pub(super) fn rename(&mut self, from: &StorePath, to: &StorePath, rule: Publish) -> Result<(), Wrong> {
        if from.is_root() || to.is_root() {
            return Err(IS_ROOT);
        }
        let node = self.node(from)?;
        match (self.node(to), node) {
            (Ok(_), _) if rule == Publish::IfAbsent => return Err(EXISTS),
            (Ok(_), _) if from == to => return Ok(()),
            (Ok(Node::Dir(_)), Node::File(_)) => return Err(IS_DIR),
            (Ok(Node::File(_)), Node::Dir(_)) => return Err(IS_FILE),
            (_, Node::Dir(_)) if is_inside(to, from) => return Err(INSIDE),
            (Ok(Node::Dir(dir)), _) if !dir.names.is_empty() => return Err(NOT_EMPTY),
            _ => {}
        }
        self.make_parent(to)?;
        let mut moved = self.parent_mut(from)?.names.remove(from.name()).ok_or(NOT_FOUND)?;
        if let Node::File(file) = &mut moved {
            file.named_durably = false;
        }
        self.make_parent(to)?.names.insert(to.name().into(), moved);
        self.prune_above(from);
        Ok(())
    }

    /// Renames a file as an object store does: the copy is another object, and the old one goes after it.
    pub(super) fn rename_by_copy(
        &mut self,
        from: &StorePath,
        to: &StorePath,
        rule: Publish,
        version: u64,
    ) -> Result<(), Wrong> {
        let copy = Arc::new(self.file(from)?.content.copied(version));
        if from == to && rule == Publish::Replace {
            return Ok(());
        }
        self.insert(to, File::new(copy), rule)?;
        self.delete(from)
    }

    pub(super) fn exchange(&mut self, one: &StorePath, other: &StorePath) -> Result<(), Wrong> {
        if one.is_root() || other.is_root() {
            return Err(IS_ROOT);
        }
        self.node(one).and(self.node(other))?;
        if one == other {
            return Ok(());
        }
        if is_inside(one, other) || is_inside(other, one) {
            return Err((StoreErrorKind::Unsupported, INSIDE.1));
        }
        let first = self.parent_mut(one)?.names.remove(one.name()).ok_or(NOT_FOUND)?;
        let parent = self.parent_mut(other)?;
        let second = parent.names.insert(other.name().into(), first).ok_or(NOT_FOUND)?;
        self.parent_mut(one)?.names.insert(one.name().into(), second);
        Ok(())
    }

    pub(super) fn set_attributes(&mut self, path: &StorePath, set: &Attributes) -> Result<(), Wrong> {
        let attributes = match self.node_mut(path)? {
            Node::File(file) => file.attributes.get_or_insert_default(),
            Node::Dir(dir) => &mut dir.attributes,
        };
        let Attributes { owner, group, mode, replication, storage_policy } = set.clone();
        attributes.owner = owner.or(attributes.owner.take());
        attributes.group = group.or(attributes.group.take());
        attributes.mode = mode.or(attributes.mode);
        attributes.replication = replication.or(attributes.replication);
        attributes.storage_policy = storage_policy.or(attributes.storage_policy.take());
        Ok(())
    }
}

fn segments(path: &StorePath) -> impl Iterator<Item = &str> {
    path.as_str().split('/').filter(|segment| !segment.is_empty())
}

fn is_inside(path: &StorePath, dir: &StorePath) -> bool {
    path.as_str().strip_prefix(dir.as_str()).is_some_and(|rest| rest.starts_with('/'))
}
