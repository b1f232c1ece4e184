t mote keygen -o a --no-passphrase 2>&1 | mask
stat -c '%a %n' a.key
grep -c . a.key a.pub
grep protection a.key
echo secret >pass
t mote keygen -o b --passphrase-file pass 2>&1 | mask
stat -c '%a %n' b.key
cut -d ' ' -f 1-2 b.key | mask
t env MOTE_PASSPHRASE=other mote keygen -o c 2>&1 | mask

# neither file may be there
t mote keygen -o a --no-passphrase
touch d.pub
t mote keygen -o d --no-passphrase
ls d.*
t mote keygen -o missing/e --no-passphrase
t mote keygen -o pass/e --no-passphrase
t mote keygen -o e --no-passphrase --passphrase-file pass
: >empty
t mote keygen -o e --passphrase-file empty
t env MOTE_PASSPHRASE= mote keygen -o e
t setsid -w mote keygen -o e

# a protected key asks
gen model m.safetensors
p() { t "$@" pack m.safetensors -o x.mote --quick --key b.key --name n --sequence 1; }
t mote pack m.safetensors -o x.mote --key b.key --name n --sequence 1 --passphrase-file pass 2>/dev/null
p env MOTE_PASSPHRASE=secret mote 2>/dev/null
p env MOTE_PASSPHRASE=wrong mote
p setsid -w mote
t mote verify --pub b.pub x.mote | mask
t mote verify --pub a.key x.mote
t mote verify --pub missing.pub x.mote
t mote pack m.safetensors -o x.mote --key a.pub --name n --sequence 1
ls
