gen model m.safetensors
for k in a b; do mote keygen -o $k --no-passphrase 2>/dev/null; done
s() { t mote sign "$@" 2>&1 | mask; }
v() { t mote verify "$@" 2>&1 | mask; }
mote pack m.safetensors -o x.mote --name kws --sequence 7 2>/dev/null
mote pack m.safetensors -o other.mote --name kws --sequence 8 2>/dev/null
cp x.mote copy.mote
s --key a.key x.mote --detach x.sig
cmp x.mote copy.mote
stat -c '%s bytes' x.sig
v --pub a.pub x.mote
v --pub a.pub --sig x.sig x.mote
v --pub a.pub --sig x.sig - <x.mote
v --pub b.pub --sig x.sig x.mote
v --pub a.pub --sig x.sig other.mote

# a second signer
s --key b.key x.mote --detach x.sig
stat -c '%s bytes' x.sig
v --pub a.pub --pub b.pub --threshold-keys 2 --sig x.sig x.mote | sort
s --key b.key x.mote --detach x.sig

# for another package it is replaced, any other file is not
cp x.sig y.sig
s --key a.key other.mote --detach y.sig
v --pub a.pub --sig y.sig other.mote
s --key a.key x.mote --detach m.safetensors

# a package with signatures of its own
cp x.mote own.mote
s --key a.key own.mote
v --pub a.pub --sig x.sig own.mote
s --key b.key own.mote --detach own.sig

# damage
for at in 0 3 8 9 10 12 14 16 48 50 60 130; do
    cp x.sig y.sig
    gen flip y.sig $at
    echo "byte $at"
    v --pub a.pub --pub b.pub --threshold-keys 2 --sig y.sig x.mote
done
head -c 100 x.sig >y.sig
v --pub a.pub --sig y.sig x.mote
cp x.sig y.sig
printf x >>y.sig
v --pub a.pub --sig y.sig x.mote
v --pub a.pub --sig m.safetensors x.mote
v --pub a.pub --sig a.pub x.mote
v --pub a.pub --sig missing x.mote
ls
