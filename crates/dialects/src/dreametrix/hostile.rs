//! Whatever is sent, the answer is a refusal that names the field, or a turn; never a panic.
