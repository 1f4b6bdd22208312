//! Fuzz targets for everything that reads what others write: they are the tests beside this file.
