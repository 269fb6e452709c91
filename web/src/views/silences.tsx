import { View } from "../parts/frame";
export function SilencesView(_: any) { return <View title="silences">…</View>; }
