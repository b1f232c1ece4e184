t mote --version
t mote help
t mote -h
t mote help index
t mote index --help
t mote
t mote help nothing
t mote help pack sign
t mote nothing
