gen model m.safetensors
for k in a b c; do mote keygen -o $k --no-passphrase 2>/dev/null; done
s() { t mote sign "$@" 2>&1 | mask; }
v() { t mote verify "$@" 2>&1 | mask; }
mote pack m.safetensors -o x.mote --name kws --sequence 7 2>/dev/null
cp x.mote u.mote
before=$(mote info x.mote | grep identity)

# in place, by two, in two roles
s --key a.key x.mote
v --pub a.pub x.mote
s --key b.key x.mote
v --pub a.pub --pub b.pub --threshold-keys 2 x.mote | sort
v --pub a.pub --pub c.pub --threshold-keys 2 x.mote
s --key a.key x.mote
s --key a.key --role 2 x.mote
v --pub a.pub --role 2 x.mote | sort
[ "$before" = "$(mote info x.mote | grep identity)" ] && echo "the identity is the same"

# to another file, which is the same as signing when packing
s --key a.key u.mote -o y.mote
mote pack m.safetensors -o z.mote --name kws --sequence 7 --key a.key 2>/dev/null
cmp y.mote z.mote && echo same
mote info u.mote | grep ^signature

# what is not signed
mote pack m.safetensors -o n.mote --name kws 2>/dev/null
s --key a.key n.mote
mote pack m.safetensors -o n.mote --sequence 1 2>/dev/null
s --key a.key n.mote
cp u.mote n.mote
gen flip n.mote -1
cp n.mote n.copy
s --key a.key n.mote
cmp n.mote n.copy
head -c 3000 u.mote >n.mote
s --key a.key n.mote
s --key a.pub u.mote
s --key a.key m.safetensors

# a mode is kept, a link followed
chmod 640 u.mote
ln -s u.mote link.mote
s --key a.key link.mote
stat -c '%a %F %n' u.mote link.mote
ls
