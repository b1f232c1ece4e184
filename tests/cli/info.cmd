gen model m.safetensors
echo text >b.txt
mote keygen -o k --no-passphrase 2>/dev/null
mote pack m.safetensors -o u.mote --quick --profile nano 2>/dev/null
t mote info u.mote | mask
mote pack m.safetensors -o x.mote --bits 4 --key k.key --name kws --model-version 1.0-rc --sequence 3 --quick \
    --vendor 000102030405060708090a0b0c0d0e0f --class ffeeddccbbaa99887766554433221100 \
    --class 00112233445566778899aabbccddeeff --created 1700000000 --not-after 1800000000 --blob licence=b.txt 2>/dev/null
t mote info x.mote | mask
t mote info x.mote --pub k.pub | sed -n '3,4p' | mask
t mote info x.mote --json | mask
t mote info u.mote --json | sed -n '2,14p' | mask
mote info x.mote --pub k.pub --json | grep verified
cp x.mote y.mote
gen flip y.mote -3
t mote info y.mote
t mote info m.safetensors
t mote info b.txt
t mote info missing.mote
t mote info u.mote --pub k.pub
t mote info x.mote --max-memory 1000 2>&1 | mask
