//! The work of operators: the doctor, the proxies' files, the guides.

mod beside;
mod disk;
mod doctor;
mod files;
mod proxies;
