//! What long work says while it lasts.

use gan_data::Reading;

/// Something that happened in an evaluation. Whoever starts one is told by a closure; `&mut |_| {}` does
/// not listen.
#[derive(Clone, Copy, Debug)]
pub enum EvalEvent<'a> {
    /// So many more parts are to come.
    Expect(usize),
    /// A part begins, whose name is given.
    Begin(&'a str),
    /// A part is done.
    Done,
    /// A folder of images was read.
    Read(&'a Reading),
}

/// Whoever listens.
pub(crate) type Listener<'a> = &'a mut dyn FnMut(EvalEvent<'_>);
