"""Which version this is. The build reads it here, too: asking the installation takes longer than printing it."""

VERSION = "0.1.0"
