//! Which pixels of two images a moving window joins.

use std::ops::Range;

/// Through one tap of the window at one of its places, a pixel of the small image is joined with a
/// pixel of the large one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) small: usize,
    pub(crate) large: usize,
    pub(crate) tap: usize,
}

/// Links in groups, those of one pixel or of one tap.
#[derive(Clone, Debug)]
pub(crate) struct Links {
    links: Vec<Link>,
    groups: Vec<Range<usize>>,
}

impl Links {
    /// `count`: how many groups there are; `group`: the number of a link's.
    pub(crate) fn new(mut links: Vec<Link>, count: usize, group: impl Fn(&Link) -> usize) -> Self {
        links.sort_by_key(&group);
        let first = |number: usize| links.partition_point(|link| group(link) < number);
        let groups = (0..count).map(|number| first(number)..first(number + 1));
        Self {
            groups: groups.collect(),
            links,
        }
    }

    /// How many links there are.
    pub(crate) fn count(&self) -> usize {
        self.links.len()
    }

    pub(crate) fn group(&self, number: usize) -> &[Link] {
        &self.links[self.groups[number].clone()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_hold_their_links_and_may_be_empty() {
        let link = |small, tap| Link {
            small,
            large: 9,
            tap,
        };
        let all = [link(2, 0), link(0, 1), link(2, 1)];
        let links = Links::new(all.to_vec(), 4, |link| link.small);
        let groups: Vec<&[Link]> = (0..4).map(|number| links.group(number)).collect();
        assert_eq!(groups, [&all[1..2], &[], &[all[0], all[2]], &[]]);
    }
}
