gen model m.safetensors
mote keygen -o k --no-passphrase 2>/dev/null
cat m.safetensors | mote pack - -o - --key k.key --name n --sequence 1 >x.mote 2>err
sed -n '$p' err | mask
cat x.mote | mote verify --pub k.pub - | mask
cat x.mote | mote info - | head -n 3 | mask
cat x.mote | mote unpack - -o - --pub k.pub 2>err | cmp - m.safetensors && mask <err
mote unpack - -o y.safetensors <x.mote 2>/dev/null && cmp y.safetensors m.safetensors && echo same
cat x.mote | mote index - -o - 2>/dev/null >x.index
mote index --check - --pub k.pub <x.index 2>&1 | mask
cat x.mote | mote sign --key k.key --role 2 - -o - 2>/dev/null | mote info - | grep ^signature | mask
mote verify --pub k.pub - <x.mote | head -n 1
(head -c 1000 x.mote; sleep 0.2; tail -c +1001 x.mote) | mote verify --pub k.pub - | head -n 1
(cat x.mote; echo) | mote verify --pub k.pub -
head -c 5000 x.mote | mote verify --pub k.pub -
mote verify --pub k.pub - <&-
mote info x.mote >&-
echo $?
mote pack m.safetensors -o - 2>/dev/null >&-
echo $?
mote info x.mote >/dev/full
echo $?
mote info x.mote --json >/dev/full
echo $?
mote help >/dev/full
echo $?
mote unpack x.mote -o - >/dev/full
echo $?
