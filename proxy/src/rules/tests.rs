//! Tables of what rules decide.
